-- Nothing of the queue is for everybody: who may use it is granted by its owner.
revoke all on schema jobtable, jobtable_internal from public;
revoke execute on all functions in schema jobtable, jobtable_internal from public;

-- What was chosen before, since the functions were created anew.
select jobtable_internal.apply_owner_source();
select jobtable_internal.apply_isolation(again => false);
select jobtable_internal.arm_quotas();
