-- Entries of the audit log are never changed. No setting allows it: entries are deleted only while the trigger is disabled, and that
-- is a change of the table, which the server's role cannot make unless it is the owner.
CREATE FUNCTION audit_log_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'audit_log is append-only: % is refused', TG_OP
    USING ERRCODE = 'insufficient_privilege', HINT = 'Only audit_log_retain(days) deletes entries, and only old ones.';
END
$$;
--> statement-breakpoint
CREATE TRIGGER audit_log_append_only BEFORE UPDATE OR DELETE ON audit_log
FOR EACH ROW EXECUTE FUNCTION audit_log_refuse_change();
--> statement-breakpoint
CREATE TRIGGER audit_log_no_truncate BEFORE TRUNCATE ON audit_log
FOR EACH STATEMENT EXECUTE FUNCTION audit_log_refuse_change();
--> statement-breakpoint
-- ALWAYS: session_replication_role, which a superuser may set to bypass triggers, does not bypass these.
ALTER TABLE audit_log ENABLE ALWAYS TRIGGER audit_log_append_only, ENABLE ALWAYS TRIGGER audit_log_no_truncate;
--> statement-breakpoint
-- The retention: deletes entries older than `days`, but never those of the last 30 days. The table is locked against other writers
-- while the trigger is disabled, so no other entry can be deleted.
CREATE FUNCTION audit_log_retain(days integer) RETURNS bigint LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp SET lock_timeout = '1s' AS $$
DECLARE
  oldest_kept timestamptz := now() - make_interval(days => greatest(days, 30));
  deleted bigint;
BEGIN
  IF NOT EXISTS (SELECT FROM audit_log WHERE at < oldest_kept) THEN
    RETURN 0;
  END IF;
  ALTER TABLE audit_log DISABLE TRIGGER audit_log_append_only;
  DELETE FROM audit_log WHERE at < oldest_kept;
  GET DIAGNOSTICS deleted = ROW_COUNT;
  ALTER TABLE audit_log ENABLE ALWAYS TRIGGER audit_log_append_only;
  RETURN deleted;
END
$$;
