-- Nothing of the queue is for everybody: who may use it is granted by its owner.
revoke all on schema jobtable, jobtable_internal from public;
revoke execute on all functions in schema jobtable, jobtable_internal from public;
