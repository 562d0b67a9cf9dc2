-- The second wall: a read on behalf of somebody who holds only some organizations sees the rows of no other, also when
-- its statement forgets to ask for them. Such a read names what is held in `patient_sync.organizations`, as `{1,2}`.
CREATE FUNCTION sync_held_organizations() RETURNS integer[] LANGUAGE sql STABLE
RETURN nullif(current_setting('patient_sync.organizations', true), '')::integer[];
--> statement-breakpoint
-- The engine, and other programs, name nothing and are not restricted. The reader always is: it holds nothing then.
CREATE FUNCTION sync_is_restricted() RETURNS boolean LANGUAGE sql STABLE
RETURN current_user = 'patient_sync_reader' OR sync_held_organizations() IS NOT NULL;
--> statement-breakpoint
-- For each table with rows of organizations; `forced` also restricts its owner, once he names what is held.
CREATE FUNCTION sync_build_wall(walled regclass, organization_column name, forced boolean) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', walled);
  IF forced THEN
    EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', walled);
  END IF;
  -- The two functions are asked once a statement, not once a row.
  EXECUTE format('CREATE POLICY patient_sync_wall ON %s USING (NOT (SELECT sync_is_restricted())
    OR %I = ANY ((SELECT sync_held_organizations())::integer[]))', walled, organization_column);
END
$$;
--> statement-breakpoint
-- A role belongs to the cluster and not to a dump, so every start makes sure of it. Returns why it could not be had.
CREATE FUNCTION sync_make_reader() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  walled regclass;
  may_become text := CASE WHEN current_setting('server_version_num')::integer >= 160000 THEN 'SET' ELSE 'MEMBER' END;
BEGIN
  IF to_regrole('patient_sync_reader') IS NULL THEN
    CREATE ROLE patient_sync_reader NOLOGIN;
  END IF;
  IF NOT pg_has_role(current_user, 'patient_sync_reader', may_become) THEN
    EXECUTE format('GRANT patient_sync_reader TO %I', current_user);
  END IF;
  FOR walled IN SELECT polrelid::regclass FROM pg_policy WHERE polname = 'patient_sync_wall' LOOP
    CONTINUE WHEN has_table_privilege('patient_sync_reader', walled, 'SELECT');
    EXECUTE format('GRANT SELECT ON %s TO patient_sync_reader', walled);
  END LOOP;
  RETURN NULL;
EXCEPTION WHEN OTHERS THEN
  RETURN SQLERRM;
END
$$;
--> statement-breakpoint
SELECT sync_build_wall('patients', 'organization_id', true), sync_build_wall('quarantine', 'organization_id', true),
  sync_build_wall('organizations', 'id', true), sync_build_wall('cliniko_credentials', 'organization_id', true),
  sync_build_wall('audit_log', 'organization_id', true), sync_build_wall('sync_streams', 'organization_id', true),
  sync_build_wall('sync_events', 'organization_id', true), sync_build_wall('webhook_endpoints', 'organization_id', true),
  sync_build_wall('webhook_deliveries', 'organization_id', true),
  -- Other programs own this table too, as its owner: nothing may change for them.
  sync_build_wall('sync_logs', 'organization_id', false);
--> statement-breakpoint
SELECT sync_make_reader();
--> statement-breakpoint
-- What is in the audit log stays as it was written.
CREATE FUNCTION audit_log_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' AND current_setting('patient_sync.audit_retention', true) = 'on' THEN
    RETURN OLD;
  END IF;
  RAISE EXCEPTION 'audit_log is append-only: % is refused', TG_OP
    USING ERRCODE = 'insufficient_privilege', HINT = 'Old entries leave by audit_log_retain(days), and by nothing else.';
END
$$;
--> statement-breakpoint
CREATE TRIGGER audit_log_append_only BEFORE UPDATE OR DELETE ON audit_log
FOR EACH ROW EXECUTE FUNCTION audit_log_refuse_change();
--> statement-breakpoint
CREATE TRIGGER audit_log_keep BEFORE TRUNCATE ON audit_log
FOR EACH STATEMENT EXECUTE FUNCTION audit_log_refuse_change();
--> statement-breakpoint
-- The retention: entries older than `days` go, and 30 days stay whatever is asked for.
CREATE FUNCTION audit_log_retain(days integer) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  gone bigint;
BEGIN
  PERFORM set_config('patient_sync.audit_retention', 'on', true);
  DELETE FROM audit_log WHERE at < now() - make_interval(days => greatest(days, 30));
  GET DIAGNOSTICS gone = ROW_COUNT;
  PERFORM set_config('patient_sync.audit_retention', 'off', true);
  RETURN gone;
END
$$;
