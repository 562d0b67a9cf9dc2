-- Each start closes what it finds (src/database/close.ts). A partition comes between two starts, with whatever the default
-- privileges of the platform give it, so it is closed in the transaction that makes it.
CREATE FUNCTION sync_close_partition(partition regclass) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  other text;
BEGIN
  EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', partition);
  FOR other IN
    SELECT DISTINCT CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END
    FROM pg_class, aclexplode(relacl) WHERE oid = partition AND grantee <> relowner
  LOOP
    EXECUTE format('REVOKE ALL ON TABLE %s FROM %s CASCADE', partition, other);
  END LOOP;
END
$$;
--> statement-breakpoint
-- As in 0001, and closed. SECURITY DEFINER: with MIGRATE_DATABASE_URL the servers do not own the table, and this is the one
-- change of it that they may ask for. It waits for a second at most (0010).
CREATE OR REPLACE FUNCTION sync_events_maintain(retention_days integer, days_ahead integer) RETURNS void LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp SET lock_timeout = '1s' AS $$
DECLARE
  today date := (now() AT TIME ZONE 'utc')::date;
  day date;
  day_name text;
  partition regclass;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtext('patient-sync event partitions'));
  FOR day IN SELECT today + n FROM generate_series(0, days_ahead) AS n LOOP
    day_name := 'sync_events_' || to_char(day, 'YYYYMMDD');
    CONTINUE WHEN to_regclass(day_name) IS NOT NULL;
    BEGIN
      EXECUTE format('CREATE TABLE %I PARTITION OF sync_events FOR VALUES FROM (%L) TO (%L)',
        day_name, day::timestamp AT TIME ZONE 'utc', (day + 1)::timestamp AT TIME ZONE 'utc');
      PERFORM sync_close_partition(day_name::regclass);
    EXCEPTION WHEN check_violation THEN
      NULL; -- Events of that day are in the default partition already, and stay there.
    END;
  END LOOP;
  FOR partition IN
    SELECT inhrelid::regclass FROM pg_inherits
    WHERE inhparent = 'sync_events'::regclass AND inhrelid::regclass::text ~ '^sync_events_[0-9]{8}$'
      AND to_date(right(inhrelid::regclass::text, 8), 'YYYYMMDD') < today - retention_days
  LOOP
    EXECUTE format('DROP TABLE %s', partition);
  END LOOP;
  DELETE FROM sync_events_other WHERE at < (today - retention_days)::timestamp AT TIME ZONE 'utc';
END
$$;
--> statement-breakpoint
-- Policies come from each start now, for every table; this one wrote them table by table, and forced them on the owner.
DROP FUNCTION sync_build_wall(regclass, name, boolean);
--> statement-breakpoint
-- What is in the audit log stays as it was written. No setting opens it: entries leave only while the triggers are off, and
-- that is a change of the table, which the server's role cannot make where it is not the owner.
CREATE OR REPLACE FUNCTION audit_log_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'audit_log is append-only: % is refused', TG_OP
    USING ERRCODE = 'insufficient_privilege', HINT = 'Old entries leave by audit_log_retain(days), and by nothing else.';
END
$$;
--> statement-breakpoint
-- ALWAYS: a superuser who bypasses triggers by session_replication_role does not bypass these.
ALTER TABLE audit_log ENABLE ALWAYS TRIGGER audit_log_append_only, ENABLE ALWAYS TRIGGER audit_log_keep;
--> statement-breakpoint
-- The retention: entries older than `days` leave, and 30 days stay whatever is asked for. The table is locked against other
-- writers while the trigger is off, so nothing else leaves with them.
CREATE OR REPLACE FUNCTION audit_log_retain(days integer) RETURNS bigint LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp SET lock_timeout = '1s' AS $$
DECLARE
  oldest_kept timestamptz := now() - make_interval(days => greatest(days, 30));
  gone bigint;
BEGIN
  IF NOT EXISTS (SELECT FROM audit_log WHERE at < oldest_kept) THEN
    RETURN 0;
  END IF;
  ALTER TABLE audit_log DISABLE TRIGGER audit_log_append_only;
  DELETE FROM audit_log WHERE at < oldest_kept;
  GET DIAGNOSTICS gone = ROW_COUNT;
  ALTER TABLE audit_log ENABLE ALWAYS TRIGGER audit_log_append_only;
  RETURN gone;
END
$$;
