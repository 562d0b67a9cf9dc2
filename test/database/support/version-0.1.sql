-- A database as version 0.1 (commit c39a804) left it, for the test of the upgrade. It was made by a server of that version: a
-- completed sync, a row of another program, and a full sync of 24 simulated patients during which the server was killed. The
-- statements are those of its eleven migrations, without comments; then come its journal and its rows, one insert per table.
--
-- It is a copy because a checkout may have no history. CREDENTIALS_KEY was 32 times the byte 7.

CREATE TABLE "audit_log" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "audit_log_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"at" timestamp with time zone DEFAULT now() NOT NULL,
	"organization_id" integer,
	"actor" text NOT NULL,
	"action" text NOT NULL,
	"details" jsonb NOT NULL
);
CREATE TABLE "request_budgets" (
	"key_hash" text PRIMARY KEY NOT NULL,
	"paused_until" timestamp with time zone
);
CREATE TABLE "request_reservations" (
	"key_hash" text NOT NULL,
	"at" timestamp with time zone NOT NULL,
	"requests" integer NOT NULL
);
CREATE TABLE "sync_events" (
	"organization_id" integer NOT NULL,
	"seq" bigint NOT NULL,
	"at" timestamp with time zone NOT NULL,
	"type" text NOT NULL,
	"created" boolean NOT NULL,
	"sync_log_id" integer,
	"row" jsonb,
	"row_seq" bigint,
	CONSTRAINT "sync_events_organization_id_seq_at_pk" PRIMARY KEY("organization_id","seq","at")
) PARTITION BY RANGE ("at");
CREATE TABLE IF NOT EXISTS "sync_logs" (
	"id" serial PRIMARY KEY NOT NULL,
	"organization_id" integer NOT NULL,
	"operation_type" varchar(50) NOT NULL,
	"status" varchar(20) NOT NULL,
	"started_at" timestamp NOT NULL,
	"completed_at" timestamp,
	"records_processed" integer DEFAULT 0,
	"records_success" integer DEFAULT 0,
	"records_failed" integer DEFAULT 0,
	"metadata" jsonb,
	"error_details" text
);
CREATE TABLE "sync_streams" (
	"organization_id" integer PRIMARY KEY NOT NULL,
	"head" bigint NOT NULL
);
CREATE TABLE "cliniko_credentials" (
	"organization_id" integer PRIMARY KEY NOT NULL,
	"sealed_api_key" text NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL
);
CREATE TABLE "organizations" (
	"id" integer PRIMARY KEY NOT NULL,
	"name" text,
	"country" text NOT NULL,
	"time_zone" text NOT NULL,
	"validation" jsonb NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL
);
CREATE TABLE "patients" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "patients_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"organization_id" integer NOT NULL,
	"cliniko_patient_id" text NOT NULL,
	"first_name" text,
	"last_name" text,
	"email" text,
	"phone" text,
	"date_of_birth" date,
	"archived_at" timestamp with time zone,
	"merged_into" text,
	"missing_since" timestamp with time zone,
	"held_since" timestamp with time zone,
	"created_at" timestamp with time zone,
	"updated_at" timestamp with time zone,
	"raw" jsonb NOT NULL,
	"content_hash" "bytea" NOT NULL,
	"warnings" smallint NOT NULL,
	"stored_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "patients_org_cliniko_patient_unique" UNIQUE("organization_id","cliniko_patient_id")
);
CREATE TABLE "quarantine" (
	"id" integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "quarantine_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 2147483647 START WITH 1 CACHE 1),
	"organization_id" integer NOT NULL,
	"record_key" text NOT NULL,
	"cliniko_patient_id" text,
	"reason" text NOT NULL,
	"sealed_raw" text NOT NULL,
	"first_seen_at" timestamp with time zone DEFAULT now() NOT NULL,
	"last_seen_at" timestamp with time zone DEFAULT now() NOT NULL,
	"attempts" integer DEFAULT 1 NOT NULL,
	CONSTRAINT "quarantine_org_record_unique" UNIQUE("organization_id","record_key")
);
CREATE TABLE "sync_runs" (
	"sync_log_id" integer PRIMARY KEY NOT NULL,
	"organization_id" integer NOT NULL,
	"operation_type" text NOT NULL,
	"owner" text,
	"lease_epoch" integer DEFAULT 0 NOT NULL,
	"lease_expires_at" timestamp with time zone,
	"attempt" integer DEFAULT 0 NOT NULL,
	"fruitless_claims" integer DEFAULT 0 NOT NULL,
	"checkpoint" jsonb,
	"cancel_requested_at" timestamp with time zone,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"ended_at" timestamp with time zone
);
CREATE TABLE "sync_seen" (
	"sync_log_id" integer NOT NULL,
	"cliniko_patient_ids" text[] NOT NULL
);
ALTER TABLE "cliniko_credentials" ADD CONSTRAINT "cliniko_credentials_organization_id_organizations_id_fk" FOREIGN KEY ("organization_id") REFERENCES "public"."organizations"("id") ON DELETE cascade ON UPDATE no action;
CREATE INDEX "audit_log_organization" ON "audit_log" USING btree ("organization_id","id");
CREATE INDEX "request_reservations_key" ON "request_reservations" USING btree ("key_hash","at");
CREATE INDEX "sync_events_run" ON "sync_events" USING btree ("sync_log_id","seq");
UPDATE "sync_logs" AS stale
SET "status" = 'failed',
    "completed_at" = date_trunc('milliseconds', now() AT TIME ZONE 'utc'),
    "error_details" = 'The sync was interrupted: the program that ran it stopped without ending it.',
    "metadata" = CASE WHEN jsonb_typeof("metadata") = 'object' THEN "metadata" ELSE '{}' END
      || '{"error_type": "SYNC_INTERRUPTED", "retry_recommended": true}'
WHERE "status" = 'running'
  AND ("started_at" < (now() AT TIME ZONE 'utc') - interval '15 minutes'
    OR EXISTS (
      SELECT 1 FROM "sync_logs" AS newer
      WHERE newer."organization_id" = stale."organization_id" AND newer."status" = 'running'
        AND (newer."started_at", newer."id") > (stale."started_at", stale."id")));
CREATE UNIQUE INDEX IF NOT EXISTS "sync_logs_one_running" ON "sync_logs" USING btree ("organization_id") WHERE status = 'running';
CREATE INDEX IF NOT EXISTS "sync_logs_newest" ON "sync_logs" USING btree ("organization_id","started_at" DESC NULLS FIRST,"id" DESC NULLS FIRST);
CREATE INDEX "quarantine_newest" ON "quarantine" USING btree ("organization_id","last_seen_at");
CREATE INDEX "sync_runs_open" ON "sync_runs" USING btree ("created_at") WHERE ended_at is null;
CREATE INDEX "sync_seen_run" ON "sync_seen" USING btree ("sync_log_id");

CREATE FUNCTION sync_epoch() RETURNS text LANGUAGE sql STABLE AS $$
  SELECT substr(md5(concat_ws('/',
    (SELECT system_identifier FROM pg_control_system()),
    left(pg_walfile_name(pg_current_wal_insert_lsn()), 8),
    (SELECT oid FROM pg_database WHERE datname = current_database()),
    'public.sync_events'::regclass::oid)), 1, 12)
$$;
CREATE FUNCTION sync_log_status(log sync_logs) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE
    WHEN log.status IN ('running', 'completed', 'failed') THEN log.status
    WHEN log.completed_at IS NULL THEN 'running'
    WHEN log.error_details IS NULL THEN 'completed'
    ELSE 'failed'
  END
$$;
CREATE FUNCTION sync_log_row(log sync_logs) RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT to_jsonb(log) || jsonb_build_object('status', sync_log_status(log))
$$;
CREATE FUNCTION sync_events_append(
  organization integer, event_type text, created boolean, log_id integer, log_row jsonb, log_seq bigint
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  next_seq bigint;
BEGIN
  INSERT INTO sync_streams AS stream (organization_id, head) VALUES (organization, 1)
  ON CONFLICT (organization_id) DO UPDATE SET head = stream.head + 1
  RETURNING head INTO next_seq;

  INSERT INTO sync_events (organization_id, seq, at, type, created, sync_log_id, row, row_seq)
  VALUES (organization, next_seq, clock_timestamp(), event_type, created, log_id, log_row, coalesce(log_seq, next_seq));

  IF current_setting('patient_sync.nudges', true) IS DISTINCT FROM 'own' THEN
    PERFORM pg_notify('patient_sync', 'e:' || organization);
  END IF;
END
$$;
CREATE FUNCTION sync_events_append_removal(organization integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  latest sync_logs;
BEGIN
  SELECT * INTO latest FROM sync_logs WHERE organization_id = organization
  ORDER BY started_at DESC, id DESC LIMIT 1;
  IF latest.id IS NULL THEN
    PERFORM sync_events_append(organization, 'snapshot', false, NULL, NULL, NULL);
  ELSE
    PERFORM sync_events_append(organization, 'snapshot', false, latest.id, sync_log_row(latest),
      coalesce((SELECT max(seq) FROM sync_events
        WHERE sync_log_id = latest.id AND organization_id = organization AND type <> 'snapshot'), 0));
  END IF;
END
$$;
CREATE FUNCTION sync_logs_append_event() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND NEW IS NOT DISTINCT FROM OLD THEN
    RETURN NULL;
  END IF;
  IF TG_OP = 'DELETE'
    OR (TG_OP = 'UPDATE' AND (NEW.id, NEW.organization_id) IS DISTINCT FROM (OLD.id, OLD.organization_id)) THEN
    PERFORM sync_events_append_removal(OLD.organization_id);
  END IF;
  IF TG_OP <> 'DELETE' THEN
    PERFORM sync_events_append(NEW.organization_id,
      CASE
        WHEN sync_log_status(NEW) <> 'running' THEN sync_log_status(NEW)
        WHEN TG_OP = 'INSERT' THEN 'started'
        ELSE 'progress'
      END,
      TG_OP = 'INSERT', NEW.id, sync_log_row(NEW), NULL);
  END IF;
  RETURN NULL;
END
$$;
CREATE TRIGGER sync_logs_append_event AFTER INSERT OR UPDATE OR DELETE ON sync_logs
FOR EACH ROW EXECUTE FUNCTION sync_logs_append_event();
CREATE FUNCTION sync_logs_append_truncation() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  PERFORM sync_events_append_removal(organization_id)
  FROM (SELECT organization_id FROM sync_streams ORDER BY organization_id) AS streams;
  RETURN NULL;
END
$$;
CREATE TRIGGER sync_logs_append_truncation AFTER TRUNCATE ON sync_logs
FOR EACH STATEMENT EXECUTE FUNCTION sync_logs_append_truncation();
CREATE TABLE sync_events_other PARTITION OF sync_events DEFAULT;
CREATE FUNCTION sync_events_maintain(retention_days integer, days_ahead integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  today date := (now() AT TIME ZONE 'utc')::date;
  day date;
  partition regclass;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtext('patient-sync event partitions'));
  FOR day IN SELECT today + n FROM generate_series(0, days_ahead) AS n LOOP
    CONTINUE WHEN to_regclass('sync_events_' || to_char(day, 'YYYYMMDD')) IS NOT NULL;
    BEGIN
      EXECUTE format('CREATE TABLE %I PARTITION OF sync_events FOR VALUES FROM (%L) TO (%L)',
        'sync_events_' || to_char(day, 'YYYYMMDD'),
        day::timestamp AT TIME ZONE 'utc', (day + 1)::timestamp AT TIME ZONE 'utc');
    EXCEPTION WHEN check_violation THEN
      NULL;
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
SELECT sync_events_maintain(14, 7);
ALTER TABLE sync_streams SET (fillfactor = 50);
ALTER TABLE sync_runs SET (fillfactor = 50);
ALTER TABLE patients SET (toast_tuple_target = 8160);
CREATE FUNCTION reserve_requests(key text, wanted integer, per_minute integer, window_ms integer)
RETURNS TABLE (granted integer, remaining integer, paused_ms double precision, frees_in_ms double precision)
LANGUAGE plpgsql AS $$
DECLARE
  budget request_budgets;
  oldest timestamptz;
  used integer;
  moment timestamptz;
BEGIN
  PERFORM set_config('synchronous_commit', 'off', true);
  INSERT INTO request_budgets (key_hash) VALUES (key) ON CONFLICT DO NOTHING;
  SELECT * INTO budget FROM request_budgets WHERE key_hash = key FOR UPDATE;
  moment := clock_timestamp();
  DELETE FROM request_reservations
  WHERE key_hash = key AND at <= moment - make_interval(secs => window_ms / 1000.0);
  SELECT coalesce(sum(requests), 0), min(at) INTO used, oldest FROM request_reservations WHERE key_hash = key;

  paused_ms := greatest(0, extract(epoch FROM coalesce(budget.paused_until, moment) - moment) * 1000);
  granted := CASE WHEN paused_ms > 0 THEN 0 ELSE greatest(0, least(wanted, per_minute - used)) END;
  IF granted > 0 THEN
    INSERT INTO request_reservations (key_hash, at, requests) VALUES (key, moment, granted);
  END IF;
  remaining := greatest(0, per_minute - used - granted);
  frees_in_ms := extract(epoch FROM coalesce(oldest, moment) - moment) * 1000 + window_ms;
  RETURN NEXT;
END
$$;

ALTER TABLE "organizations" ADD COLUMN "schedule" jsonb;
ALTER TABLE "organizations" ADD COLUMN "next_sync_at" timestamp with time zone;
CREATE INDEX "organizations_due" ON "organizations" USING btree ("next_sync_at") WHERE next_sync_at is not null;

CREATE INDEX "patients_merged" ON "patients" USING btree ("organization_id") WHERE merged_into is not null;
CREATE INDEX "patients_missing" ON "patients" USING btree ("missing_since") WHERE missing_since is not null;

CREATE FUNCTION without_patient_lines(lines jsonb, ids text[]) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE
    WHEN jsonb_typeof(lines) IS DISTINCT FROM 'array' THEN lines
    WHEN ids IS NULL THEN '[]'
    ELSE coalesce((
      SELECT jsonb_agg(line ORDER BY place)
      FROM jsonb_array_elements(CASE jsonb_typeof(lines) WHEN 'array' THEN lines ELSE '[]' END)
        WITH ORDINALITY AS listed (line, place)
      WHERE substring(line #>> '{}' FROM '^Patient ID ([0-9]+):') = ANY (ids) IS NOT TRUE), '[]')
  END
$$;

CREATE TABLE "api_tokens" (
	"id" integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "api_tokens_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 2147483647 START WITH 1 CACHE 1),
	"name" text NOT NULL,
	"token_hash" text NOT NULL,
	"scope" text NOT NULL,
	"organizations" integer[],
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"expires_at" timestamp with time zone,
	"revoked_at" timestamp with time zone,
	CONSTRAINT "api_tokens_token_hash_unique" UNIQUE("token_hash")
);
CREATE TABLE "idempotency_keys" (
	"key_hash" text PRIMARY KEY NOT NULL,
	"request_hash" text NOT NULL,
	"status" integer,
	"content_type" text,
	"body" text,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL
);
CREATE TABLE "webhook_deliveries" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "webhook_deliveries_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"endpoint_id" integer NOT NULL,
	"organization_id" integer NOT NULL,
	"message_id" text NOT NULL,
	"event" text NOT NULL,
	"sync_log_id" integer NOT NULL,
	"body" text NOT NULL,
	"state" text DEFAULT 'pending' NOT NULL,
	"attempts" integer DEFAULT 0 NOT NULL,
	"next_attempt_at" timestamp with time zone DEFAULT now() NOT NULL,
	"last_status" integer,
	"last_error" text,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"delivered_at" timestamp with time zone
);
CREATE TABLE "webhook_endpoints" (
	"id" integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "webhook_endpoints_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 2147483647 START WITH 1 CACHE 1),
	"organization_id" integer NOT NULL,
	"url" text NOT NULL,
	"sealed_secret" text NOT NULL,
	"events" text[] NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"disabled_at" timestamp with time zone
);
ALTER TABLE "audit_log" ADD COLUMN "request_id" text;
ALTER TABLE "webhook_deliveries" ADD CONSTRAINT "webhook_deliveries_endpoint_id_webhook_endpoints_id_fk" FOREIGN KEY ("endpoint_id") REFERENCES "public"."webhook_endpoints"("id") ON DELETE cascade ON UPDATE no action;
ALTER TABLE "webhook_endpoints" ADD CONSTRAINT "webhook_endpoints_organization_id_organizations_id_fk" FOREIGN KEY ("organization_id") REFERENCES "public"."organizations"("id") ON DELETE cascade ON UPDATE no action;
CREATE INDEX "idempotency_keys_age" ON "idempotency_keys" USING btree ("created_at");
CREATE INDEX "webhook_deliveries_due" ON "webhook_deliveries" USING btree ("next_attempt_at") WHERE state = 'pending';
CREATE INDEX "webhook_deliveries_newest" ON "webhook_deliveries" USING btree ("endpoint_id","id");
CREATE INDEX "webhook_endpoints_organization" ON "webhook_endpoints" USING btree ("organization_id");
CREATE INDEX "audit_log_age" ON "audit_log" USING btree ("at");

CREATE FUNCTION sync_log_missing_held(log sync_logs) RETURNS integer LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE WHEN log.metadata ->> 'missing_held' ~ '^[0-9]{1,9}$' THEN (log.metadata ->> 'missing_held')::integer ELSE 0 END
$$;
CREATE FUNCTION webhook_body(event text, log sync_logs) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT jsonb_build_object(
    'type', event,
    'timestamp', to_char(clock_timestamp() AT TIME ZONE 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
    'data', jsonb_build_object(
      'organization_id', log.organization_id,
      'sync_log_id', log.id,
      'operation_type', CASE WHEN log.operation_type ~ '^[a-z_]{1,50}$' THEN log.operation_type ELSE 'other' END,
      'status', sync_log_status(log),
      'started_at', to_char(log.started_at, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
      'completed_at', to_char(log.completed_at, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
      'records_processed', coalesce(log.records_processed, 0),
      'records_success', coalesce(log.records_success, 0),
      'records_failed', coalesce(log.records_failed, 0),
      'error_type', CASE WHEN log.metadata ->> 'error_type' ~ '^[A-Z_]{1,64}$' THEN log.metadata ->> 'error_type' END,
      'missing_held', sync_log_missing_held(log)))::text
$$;
CREATE FUNCTION webhooks_enqueue() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  INSERT INTO webhook_deliveries (endpoint_id, organization_id, message_id, event, sync_log_id, body)
  SELECT endpoint.id, endpoint.organization_id, 'msg_' || replace(gen_random_uuid()::text, '-', ''), happened.event, NEW.id,
    webhook_body(happened.event, NEW)
  FROM webhook_endpoints AS endpoint
  CROSS JOIN LATERAL (
    SELECT 'sync.' || sync_log_status(NEW) AS event
    UNION ALL
    SELECT 'sync.held' WHERE sync_log_status(NEW) = 'completed' AND sync_log_missing_held(NEW) > 0
  ) AS happened
  WHERE endpoint.organization_id = NEW.organization_id AND endpoint.disabled_at IS NULL
    AND happened.event = ANY (endpoint.events);
  RETURN NULL;
END
$$;
CREATE TRIGGER webhooks_enqueue_end AFTER UPDATE ON sync_logs FOR EACH ROW
WHEN (sync_log_status(OLD) = 'running' AND sync_log_status(NEW) <> 'running')
EXECUTE FUNCTION webhooks_enqueue();
CREATE TRIGGER webhooks_enqueue_ended AFTER INSERT ON sync_logs FOR EACH ROW
WHEN (sync_log_status(NEW) <> 'running')
EXECUTE FUNCTION webhooks_enqueue();

CREATE FUNCTION sync_held_organizations() RETURNS integer[] LANGUAGE sql STABLE
RETURN nullif(current_setting('patient_sync.organizations', true), '')::integer[];
CREATE FUNCTION sync_is_restricted() RETURNS boolean LANGUAGE sql STABLE
RETURN current_user = 'patient_sync_reader' OR sync_held_organizations() IS NOT NULL;
CREATE FUNCTION sync_build_wall(walled regclass, organization_column name, forced boolean) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', walled);
  IF forced THEN
    EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', walled);
  END IF;
  EXECUTE format('CREATE POLICY patient_sync_wall ON %s USING (NOT (SELECT sync_is_restricted())
    OR %I = ANY ((SELECT sync_held_organizations())::integer[]))', walled, organization_column);
END
$$;
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
SELECT sync_build_wall('patients', 'organization_id', true), sync_build_wall('quarantine', 'organization_id', true),
  sync_build_wall('organizations', 'id', true), sync_build_wall('cliniko_credentials', 'organization_id', true),
  sync_build_wall('audit_log', 'organization_id', true), sync_build_wall('sync_streams', 'organization_id', true),
  sync_build_wall('sync_events', 'organization_id', true), sync_build_wall('webhook_endpoints', 'organization_id', true),
  sync_build_wall('webhook_deliveries', 'organization_id', true),
  sync_build_wall('sync_logs', 'organization_id', false);
SELECT sync_make_reader();
CREATE FUNCTION audit_log_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' AND current_setting('patient_sync.audit_retention', true) = 'on' THEN
    RETURN OLD;
  END IF;
  RAISE EXCEPTION 'audit_log is append-only: % is refused', TG_OP
    USING ERRCODE = 'insufficient_privilege', HINT = 'Old entries leave by audit_log_retain(days), and by nothing else.';
END
$$;
CREATE TRIGGER audit_log_append_only BEFORE UPDATE OR DELETE ON audit_log
FOR EACH ROW EXECUTE FUNCTION audit_log_refuse_change();
CREATE TRIGGER audit_log_keep BEFORE TRUNCATE ON audit_log
FOR EACH STATEMENT EXECUTE FUNCTION audit_log_refuse_change();
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

CREATE TABLE "sync_eras" (
	"era" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL
);

INSERT INTO sync_eras DEFAULT VALUES;
CREATE FUNCTION sync_files_placed_at() RETURNS text LANGUAGE plpgsql STABLE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NOT has_function_privilege('pg_stat_file(text)', 'EXECUTE') THEN
    RETURN '';
  END IF;
  RETURN coalesce(extract(epoch FROM (pg_stat_file('PG_VERSION')).change)::text, '');
EXCEPTION WHEN insufficient_privilege OR undefined_file THEN
  RETURN '';
END
$$;
CREATE OR REPLACE FUNCTION sync_epoch() RETURNS text LANGUAGE sql STABLE
SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT substr(md5(concat_ws('/',
    (SELECT system_identifier FROM pg_control_system()),
    left(pg_walfile_name(pg_current_wal_insert_lsn()), 8),
    (SELECT oid FROM pg_database WHERE datname = current_database()),
    'public.sync_events'::regclass::oid,
    sync_files_placed_at(),
    (SELECT era FROM sync_eras LIMIT 1))), 1, 12)
$$;
CREATE FUNCTION sync_era_begin(lost_epoch text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM 1 FROM sync_eras FOR UPDATE;
  IF sync_epoch() = lost_epoch THEN
    UPDATE sync_eras SET era = gen_random_uuid();
  END IF;
END
$$;

ALTER FUNCTION sync_events_maintain(integer, integer) SET lock_timeout = '1s';

CREATE SCHEMA drizzle;
CREATE TABLE drizzle.__drizzle_migrations (id SERIAL PRIMARY KEY, hash text NOT NULL, created_at bigint);
INSERT INTO drizzle.__drizzle_migrations (hash, created_at) VALUES
('a2e06f03098fdf3b9ed62e861b0c8335a73d283f57a072a025b0a6b797ca92a1', 1795541765223),
('5821dff755038a2f28a87b7d964e4977e82921167868383e27440aa3b2144fee', 1795541766133),
('effa9e09c5635e0935c31da65e4165910a38ccfd917e96d46a8ebb7d580747bc', 1795550974633),
('b3679770d1117c7c7bcd446aebf0fbdb599edab01025eeb811c0d3cb79704999', 1795551190025),
('c3775c4adb25f66bd8f6b796c214aed5871ef1e91f8348fbecfe36e6d4c0c4ca', 1795551190579),
('ebd7a7974eac0bdda2aeed6b4211a15f590d7c31983d0f9cfc5f36f7f6e4f5bb', 1795555679022),
('b3405d584b665234595ed8c5bf9423e935726bcf584657153bb0fa4911009f4f', 1795555679545),
('a0b59f0d661299879e14259c0b95ffac5c06622c72d1d791ba1f99a9886a3cd3', 1795555680061),
('ec90404b822ffc85479ec3e5e488c7e665dfdd383acf4a5184fb6cb75b9cba1e', 1795556261223),
('a4b0bc0253271c84ee3ce4aacab05b08adaede8ee11f49e1a83e9b42c92e7e9d', 1795556262218),
('0baeff4e54278fa430554a467fa213c9e9945fb471728f387f7b0faffa041fb6', 1795578681748);

ALTER TABLE sync_logs DISABLE TRIGGER USER;
INSERT INTO organizations ("id", "name", "country", "time_zone", "validation", "created_at", "updated_at", "schedule", "next_sync_at") VALUES
('123', 'Harbour Street Clinic', 'AU', 'Australia/Sydney', '{"email": "optional", "phone": "reject"}', '2026-11-28 17:47:18.062329+00', '2026-11-28 17:47:18.835941+00', '{"cron": "0 3 * * *", "time_zone": "Australia/Sydney"}', '2026-11-29 16:09:08.904+00');
INSERT INTO cliniko_credentials ("organization_id", "sealed_api_key", "updated_at") VALUES
('123', 'v1.S7Bvjk46.TF968IT2pAqW5jAV.1tMSETiJ8t9xZlfdZITRZtD9kcMjOyTRINiAPDnVXOGcvvjI4e9FWH2p10XdHRqlKW3JRo1sWtrNYVZWrM6N-mSkMcQp4uQ.cARQo4YXnUq1LhUJe-nlIg', '2026-11-28 17:47:18.120144+00');
INSERT INTO patients ("id", "organization_id", "cliniko_patient_id", "first_name", "last_name", "email", "phone", "date_of_birth", "archived_at", "merged_into", "missing_since", "held_since", "created_at", "updated_at", "raw", "content_hash", "warnings", "stored_at") OVERRIDING SYSTEM VALUE VALUES
('1', '123', '41000034', 'Chloé', 'Zephyrine', 'zephyrine.0@example.com', '+61491570110', NULL, NULL, NULL, NULL, NULL, '2019-01-29 11:50:14+00', '2019-01-29 11:50:14+00', '{"id": "41000034", "sex": "Male", "city": "Darwin", "email": "zephyrine.0@example.com", "label": "Chloé Zephyrine", "links": {"self": "https://api.au1.cliniko.com/v1/patients/41000034"}, "notes": null, "state": "NT", "title": null, "gender": "", "country": "Australia", "invoices": {"links": {"self": "https://api.au1.cliniko.com/v1/patients/41000034/invoices"}}, "medicare": "", "pronouns": null, "address_1": "66 Bottlebrush Lane", "address_2": null, "address_3": "", "attendees": {"links": {"self": "https://api.au1.cliniko.com/v1/patients/41000034/attendees"}}, "last_name": "Zephyrine", "merged_at": null, "post_code": "0800", "time_zone": "", "created_at": "2019-01-29T11:50:14Z", "deleted_at": null, "first_name": "Chloé", "occupation": null, "updated_at": "2019-01-29T11:50:14Z", "archived_at": null, "appointments": {"links": {"self": "https://api.au1.cliniko.com/v1/patients/41000034/appointments"}}, "country_code": "AU", "custom_fields": null, "date_of_birth": null, "invoice_email": "", "reminder_type": null, "medical_alerts": {"links": {"self": "https://api.au1.cliniko.com/v1/patients/41000034/medical_alerts"}}, "concession_type": {"links": {"self": "https://api.au1.cliniko.com/v1/concession_types/8"}}, "dva_card_number": null, "gender_identity": "", "referral_source": null, "old_reference_id": null, "referring_doctor": {"links": {"self": "https://api.au1.cliniko.com/v1/contacts/1301639672946719280"}}, "appointment_notes": "", "emergency_contact": "", "invoice_default_to": null, "patient_attachments": {"links": {"self": "https://api.au1.cliniko.com/v1/patients/41000034/patient_attachments"}}, "preferred_first_name": "", "patient_phone_numbers": [{"number": "0491-570-110", "phone_type": "Mobile", "normalized_number": "61491570110"}, {"number": "(08) 5550 2268", "phone_type": "Fax", "normalized_number": "61855502268"}, {"number": " 0491 575 254 ", "phone_type": "Mobile", "normalized_number": "61491575254"}, {"number": "0491-570-159", "phone_type": "Mobile", "normalized_number": "61491570159"}], "accepted_sms_marketing": null, "accepted_privacy_policy": true, "accepted_email_marketing": false, "invoice_extra_information": null, "medicare_reference_number": null, "receives_cancellation_emails": null, "receives_confirmation_emails": null}', E'\\xf7ec61eac2c4e7db37684bc1d00509d4', '0', '2026-11-28 17:47:20.096642+00'),
('10', '123', '41000359', 'Bjørn', 'Corvane', 'corvane.9@example.com', '+61491573770', '1959-12-08', NULL, NULL, NULL, NULL, '2021-10-08 02:53:04+00', '2025-01-20 18:54:23+00', E'{"id": "41000359", "sex": "", "city": "Fremantle", "email": "corvane.9@example.com", "label": "Bjørn Corvane", "links": {"self": "https://api.au1.cliniko.com/v1/patients/41000359"}, "notes": "", "state": "WA", "title": "", "gender": "", "country": "Australia", "invoices": {"links": {"self": "https://api.au1.cliniko.com/v1/patients/41000359/invoices"}}, "medicare": "", "pronouns": null, "address_1": "60 Saltbush Close", "address_2": "", "address_3": null, "attendees": {"links": {"self": "https://api.au1.cliniko.com/v1/patients/41000359/attendees"}}, "last_name": "Corvane", "merged_at": null, "post_code": "6160", "time_zone": "Australia/Perth", "created_at": "2021-10-08T02:53:04Z", "deleted_at": null, "first_name": "Bjørn", "occupation": null, "updated_at": "2025-01-20T18:54:23Z", "archived_at": null, "appointments": {"links": {"self": "https://api.au1.cliniko.com/v1/patients/41000359/appointments"}}, "country_code": "AU", "custom_fields": null, "date_of_birth": "1959-12-08", "invoice_email": "claims@harbourmutual.example", "reminder_type": "SMS & Email", "latest_booking": {"links": {"self": "https://api.au1.cliniko.com/v1/bookings/1606206296795042915"}}, "medical_alerts": {"links": {"self": "https://api.au1.cliniko.com/v1/patients/41000359/medical_alerts"}}, "dva_card_number": null, "gender_identity": "", "referral_source": "", "old_reference_id": "", "appointment_notes": "", "emergency_contact": "", "invoice_default_to": "Harbour Mutual", "patient_attachments": {"links": {"self": "https://api.au1.cliniko.com/v1/patients/41000359/patient_attachments"}}, "preferred_first_name": null, "patient_phone_numbers": [{"number": "+61 491 573 770", "phone_type": "Mobile", "normalized_number": "61491573770"}, {"number": "0491 570 159", "phone_type": "Mobile", "normalized_number": "61491570159"}, {"number": "0491570156", "phone_type": "Mobile", "normalized_number": "61491570156"}, {"number": "(0491) 577426", "phone_type": "Mobile", "normalized_number": "61491577426"}], "accepted_sms_marketing": null, "accepted_privacy_policy": null, "accepted_email_marketing": null, "invoice_extra_information": "Claim 19030\\r\\nWaits for approval", "medicare_reference_number": null, "receives_cancellation_emails": true, "receives_confirmation_emails": true}', E'\\x205099574a745ab43c70deae58ae797a', '0', '2026-11-28 17:47:20.702138+00'),
('11', '123', '884894511142977990', 'Bjørn', 'Corvane', 'corvane.10@post.example', '+61491571266', '1960-12-06', NULL, NULL, NULL, NULL, '2022-04-04 22:07:26+00', '2023-06-24 06:44:01+00', E'{"id": "884894511142977990", "sex": null, "city": "Hobart", "email": "corvane.10@post.example", "label": "Bjørn Corvane", "links": {"self": "https://api.au1.cliniko.com/v1/patients/884894511142977990"}, "notes": null, "state": "TAS", "title": null, "gender": null, "country": "Australia", "invoices": {"links": {"self": "https://api.au1.cliniko.com/v1/patients/884894511142977990/invoices"}}, "medicare": null, "pronouns": null, "address_1": "93 Billabong Way", "address_2": null, "address_3": null, "attendees": {"links": {"self": "https://api.au1.cliniko.com/v1/patients/884894511142977990/attendees"}}, "last_name": "Corvane", "merged_at": null, "post_code": "7000", "time_zone": null, "created_at": "2022-04-04T22:07:26Z", "deleted_at": null, "first_name": "Bjørn", "occupation": "Cartographer", "updated_at": "2023-06-24T06:44:01Z", "archived_at": null, "appointments": {"links": {"self": "https://api.au1.cliniko.com/v1/patients/884894511142977990/appointments"}}, "country_code": "AU", "custom_fields": null, "date_of_birth": "1960-12-06", "invoice_email": null, "reminder_type": "Email", "latest_booking": {"links": {"self": "https://api.au1.cliniko.com/v1/bookings/1719347420963772468"}}, "medical_alerts": {"links": {"self": "https://api.au1.cliniko.com/v1/patients/884894511142977990/medical_alerts"}}, "dva_card_number": null, "gender_identity": "Non-binary", "referral_source": null, "old_reference_id": null, "referring_doctor": {"links": {"self": "https://api.au1.cliniko.com/v1/contacts/1669970016979686501"}}, "appointment_notes": "Ask about the \\"other\\" shoulder\\tnext time", "emergency_contact": null, "invoice_default_to": null, "patient_attachments": {"links": {"self": "https://api.au1.cliniko.com/v1/patients/884894511142977990/patient_attachments"}}, "preferred_first_name": null, "patient_phone_numbers": [{"number": "0491571266", "phone_type": "Mobile", "normalized_number": "61491571266"}], "accepted_sms_marketing": null, "accepted_privacy_policy": null, "accepted_email_marketing": null, "invoice_extra_information": null, "medicare_reference_number": null, "receives_cancellation_emails": null, "receives_confirmation_emails": null}', E'\\x8c991b8e659413b1e3d832d75468a6cb', '0', '2026-11-28 17:47:20.743372+00'),
('12', '123', '989124139948280459', 'Mary Jo', 'de la Cours', 'delaCours.12@example.org', '+61491570156', '2006-06-20', NULL, NULL, NULL, NULL, '2022-08-26 17:33:06+00', '2022-08-26 17:33:06+00', '{"id": "989124139948280459", "sex": "Female", "city": "Orange", "email": "delaCours.12@example.org", "label": "Mary Jo de la Cours", "links": {"self": "https://api.au1.cliniko.com/v1/patients/989124139948280459"}, "notes": null, "state": "NSW", "title": "Miss", "gender": null, "country": "Australia", "invoices": {"links": {"self": "https://api.au1.cliniko.com/v1/patients/989124139948280459/invoices"}}, "medicare": null, "pronouns": {"reflexive": "themself", "accusative": "them", "nominative": "they", "pronominal_possessive": "theirs", "predicative_possessive": "their"}, "address_1": "83 Quoll Street", "address_2": null, "address_3": null, "attendees": {"links": {"self": "https://api.au1.cliniko.com/v1/patients/989124139948280459/attendees"}}, "last_name": "de la Cours", "merged_at": null, "post_code": "2800", "time_zone": null, "created_at": "2022-08-26T17:33:06Z", "deleted_at": null, "first_name": "Mary Jo", "occupation": null, "updated_at": "2022-08-26T17:33:06Z", "archived_at": null, "appointments": {"links": {"self": "https://api.au1.cliniko.com/v1/patients/989124139948280459/appointments"}}, "country_code": "AU", "custom_fields": null, "date_of_birth": "2006-06-20", "invoice_email": null, "reminder_type": "Email", "latest_booking": {"links": {"self": "https://api.au1.cliniko.com/v1/bookings/1582462619484795777"}}, "medical_alerts": {"links": {"self": "https://api.au1.cliniko.com/v1/patients/989124139948280459/medical_alerts"}}, "dva_card_number": null, "gender_identity": null, "referral_source": null, "old_reference_id": null, "appointment_notes": null, "emergency_contact": null, "invoice_default_to": null, "patient_attachments": {"links": {"self": "https://api.au1.cliniko.com/v1/patients/989124139948280459/patient_attachments"}}, "preferred_first_name": null, "patient_phone_numbers": [{"number": " 0491 570 156 ", "phone_type": "Mobile", "normalized_number": "61491570156"}], "accepted_sms_marketing": true, "accepted_privacy_policy": false, "accepted_email_marketing": true, "invoice_extra_information": null, "medicare_reference_number": "1", "receives_cancellation_emails": false, "receives_confirmation_emails": false}', E'\\xde059f2996412b3fcb91758410f65ba6', '0', '2026-11-28 17:47:20.743372+00'),
('13', '123', '1041686100712102764', 'Renée', 'de la Cours', 'delacours.13@post.example', '+61491577644', '1962-11-22', NULL, NULL, NULL, NULL, '2022-11-07 06:04:20+00', '2025-10-12 01:40:19+00', E'{"id": "1041686100712102764", "sex": "", "city": "Hobart", "email": "delacours.13@post.example", "label": "Renée de la Cours", "links": {"self": "https://api.au1.cliniko.com/v1/patients/1041686100712102764"}, "notes": "", "state": "TAS", "title": "", "gender": "", "country": "Australia", "invoices": {"links": {"self": "https://api.au1.cliniko.com/v1/patients/1041686100712102764/invoices"}}, "medicare": "", "pronouns": null, "address_1": "191 Bottlebrush Lane", "address_2": "", "address_3": "", "attendees": {"links": {"self": "https://api.au1.cliniko.com/v1/patients/1041686100712102764/attendees"}}, "last_name": "de la Cours", "merged_at": null, "post_code": "7000", "time_zone": "", "created_at": "2022-11-07T06:04:20Z", "deleted_at": null, "first_name": "Renée", "occupation": "", "updated_at": "2025-10-12T01:40:19Z", "archived_at": null, "appointments": {"links": {"self": "https://api.au1.cliniko.com/v1/patients/1041686100712102764/appointments"}}, "country_code": "AU", "custom_fields": null, "date_of_birth": "1962-11-22", "invoice_email": "", "reminder_type": "SMS", "medical_alerts": {"links": {"self": "https://api.au1.cliniko.com/v1/patients/1041686100712102764/medical_alerts"}}, "dva_card_number": "", "gender_identity": "", "referral_source": "", "old_reference_id": "LEG-42975", "appointment_notes": "Likes mornings.\\r\\nBrings a dog.", "emergency_contact": "", "invoice_default_to": "", "patient_attachments": {"links": {"self": "https://api.au1.cliniko.com/v1/patients/1041686100712102764/patient_attachments"}}, "preferred_first_name": "", "patient_phone_numbers": [{"number": "0491-577-644", "phone_type": "Mobile", "normalized_number": "61491577644"}], "accepted_sms_marketing": false, "accepted_privacy_policy": null, "accepted_email_marketing": null, "invoice_extra_information": "", "medicare_reference_number": "", "receives_cancellation_emails": null, "receives_confirmation_emails": true}', E'\\x75014c33c1abc03c5363a65a3481e73d', '0', '2026-11-28 17:47:20.77637+00'),
('14', '123', '1108087041695363431', ' Yusuf', 'de la Cours', 'delacours.13@post.example', '+61491577644', '2011-09-03', NULL, NULL, NULL, NULL, '2023-02-06 20:51:09+00', '2024-09-01 01:45:13+00', '{"id": "1108087041695363431", "sex": "Male", "city": "Hobart", "email": "delacours.13@post.example", "label": "Yusuf de la Cours", "links": {"self": "https://api.au1.cliniko.com/v1/patients/1108087041695363431"}, "notes": "", "state": "TAS", "title": "Ms", "gender": null, "country": "Australia", "invoices": {"links": {"self": "https://api.au1.cliniko.com/v1/patients/1108087041695363431/invoices"}}, "medicare": "", "pronouns": null, "address_1": "191 Bottlebrush Lane", "address_2": "", "address_3": null, "attendees": {"links": {"self": "https://api.au1.cliniko.com/v1/patients/1108087041695363431/attendees"}}, "last_name": "de la Cours", "merged_at": null, "post_code": "7000", "time_zone": null, "created_at": "2023-02-06T20:51:09Z", "deleted_at": null, "first_name": " Yusuf", "occupation": "", "updated_at": "2024-09-01T01:45:13Z", "archived_at": null, "appointments": {"links": {"self": "https://api.au1.cliniko.com/v1/patients/1108087041695363431/appointments"}}, "country_code": "AU", "custom_fields": null, "date_of_birth": "2011-09-03", "invoice_email": null, "reminder_type": null, "latest_booking": {"links": {"self": "https://api.au1.cliniko.com/v1/bookings/1752652801904175370"}}, "medical_alerts": {"links": {"self": "https://api.au1.cliniko.com/v1/patients/1108087041695363431/medical_alerts"}}, "concession_type": {"links": {"self": "https://api.au1.cliniko.com/v1/concession_types/5"}}, "dva_card_number": "", "gender_identity": null, "referral_source": "", "old_reference_id": "", "appointment_notes": "", "emergency_contact": "", "invoice_default_to": "", "patient_attachments": {"links": {"self": "https://api.au1.cliniko.com/v1/patients/1108087041695363431/patient_attachments"}}, "preferred_first_name": "", "patient_phone_numbers": [{"number": "0491-577-644", "phone_type": "Mobile", "normalized_number": "61491577644"}], "accepted_sms_marketing": null, "accepted_privacy_policy": true, "accepted_email_marketing": true, "invoice_extra_information": null, "medicare_reference_number": "1", "receives_cancellation_emails": true, "receives_confirmation_emails": true}', E'\\x411f871519ab91ae17e2c32fa206f609', '0', '2026-11-28 17:47:20.77637+00'),
('15', '123', '1236427996143435231', 'Yusuf', 'Yarrowby', NULL, '+61491576801', '2019-07-09', NULL, NULL, NULL, NULL, '2023-08-02 22:41:43+00', '2025-11-05 20:12:26+00', E'{"id": "1236427996143435231", "sex": null, "city": "Fremantle", "email": "", "label": "Yusuf Yarrowby", "links": {"self": "https://api.au1.cliniko.com/v1/patients/1236427996143435231"}, "notes": null, "state": "WA", "title": "Mx", "gender": "", "country": "Australia", "invoices": {"links": {"self": "https://api.au1.cliniko.com/v1/patients/1236427996143435231/invoices"}}, "medicare": "0000042148", "pronouns": null, "address_1": "80 Currawong Road", "address_2": "Unit 15", "address_3": "", "attendees": {"links": {"self": "https://api.au1.cliniko.com/v1/patients/1236427996143435231/attendees"}}, "last_name": "Yarrowby", "merged_at": null, "post_code": "6160", "time_zone": "", "created_at": "2023-08-02T22:41:43Z", "deleted_at": null, "first_name": "Yusuf", "occupation": "", "updated_at": "2025-11-05T20:12:26Z", "archived_at": null, "appointments": {"links": {"self": "https://api.au1.cliniko.com/v1/patients/1236427996143435231/appointments"}}, "country_code": "AU", "custom_fields": null, "date_of_birth": "2019-07-09", "invoice_email": "claims@harbourmutual.example", "reminder_type": null, "medical_alerts": {"links": {"self": "https://api.au1.cliniko.com/v1/patients/1236427996143435231/medical_alerts"}}, "dva_card_number": "", "gender_identity": null, "referral_source": "", "old_reference_id": "LEG-06099", "appointment_notes": "Speaks softly; sits by the window", "emergency_contact": "", "invoice_default_to": "Harbour Mutual", "patient_attachments": {"links": {"self": "https://api.au1.cliniko.com/v1/patients/1236427996143435231/patient_attachments"}}, "preferred_first_name": "", "patient_phone_numbers": [{"number": "0491576801", "phone_type": "Mobile", "normalized_number": "61491576801"}], "accepted_sms_marketing": false, "accepted_privacy_policy": false, "accepted_email_marketing": false, "invoice_extra_information": "Claim 81458\\r\\nWaits for approval", "medicare_reference_number": null, "receives_cancellation_emails": false, "receives_confirmation_emails": false}', E'\\x8ff928dc86712eb61ee75f09f9cc712d', '1', '2026-11-28 17:47:20.86046+00'),
('16', '123', '1276005624840331162', 'Una', 'Fothergale', 'fothergale.16@post.example', '+61255507152', '2009-01-25', NULL, NULL, NULL, NULL, '2023-09-26 13:15:24+00', '2024-04-11 14:58:39+00', '{"id": "1276005624840331162", "sex": "Female", "city": "Orange", "email": "fothergale.16@post.example", "label": "Una Fothergale", "links": {"self": "https://api.au1.cliniko.com/v1/patients/1276005624840331162"}, "notes": "Speaks softly; sits by the window", "state": "NSW", "title": null, "gender": null, "country": "Australia", "invoices": {"links": {"self": "https://api.au1.cliniko.com/v1/patients/1276005624840331162/invoices"}}, "medicare": "0000045740", "pronouns": null, "address_1": "288 Billabong Way", "address_2": "Unit 20", "address_3": null, "attendees": {"links": {"self": "https://api.au1.cliniko.com/v1/patients/1276005624840331162/attendees"}}, "last_name": "Fothergale", "merged_at": null, "post_code": "2800", "time_zone": null, "created_at": "2023-09-26T13:15:24Z", "deleted_at": null, "first_name": "Una", "occupation": "Beekeeper", "updated_at": "2024-04-11T14:58:39Z", "archived_at": null, "appointments": {"links": {"self": "https://api.au1.cliniko.com/v1/patients/1276005624840331162/appointments"}}, "country_code": "AU", "custom_fields": null, "date_of_birth": "2009-01-25", "invoice_email": null, "reminder_type": "Email", "latest_booking": {"links": {"self": "https://api.au1.cliniko.com/v1/bookings/1922509416204339321"}}, "medical_alerts": {"links": {"self": "https://api.au1.cliniko.com/v1/patients/1276005624840331162/medical_alerts"}}, "dva_card_number": null, "gender_identity": null, "referral_source": null, "old_reference_id": null, "appointment_notes": null, "emergency_contact": null, "invoice_default_to": null, "patient_attachments": {"links": {"self": "https://api.au1.cliniko.com/v1/patients/1276005624840331162/patient_attachments"}}, "preferred_first_name": "Una", "patient_phone_numbers": [{"number": "02-5550-7152", "phone_type": "Home", "normalized_number": "61255507152"}], "accepted_sms_marketing": false, "accepted_privacy_policy": null, "accepted_email_marketing": null, "invoice_extra_information": null, "medicare_reference_number": null, "receives_cancellation_emails": true, "receives_confirmation_emails": null}', E'\\xa79391b5a13d6987811633175c865601', '0', '2026-11-28 17:47:20.887803+00'),
('17', '123', '1420548001236346626', 'Zelda', 'Señoval', 'senoval.18@post.example', '+61491570006', '2017-02-22', NULL, NULL, NULL, NULL, '2024-04-12 23:35:18+00', '2025-03-22 19:11:15+00', '{"id": "1420548001236346626", "sex": "Female", "city": "Toowoomba", "email": "senoval.18@post.example", "label": "Zelda Señoval", "links": {"self": "https://api.au1.cliniko.com/v1/patients/1420548001236346626"}, "notes": "", "state": "QLD", "title": "", "gender": "", "country": "Australia", "invoices": {"links": {"self": "https://api.au1.cliniko.com/v1/patients/1420548001236346626/invoices"}}, "medicare": "", "pronouns": null, "address_1": "30 Bottlebrush Lane", "address_2": "", "address_3": "", "attendees": {"links": {"self": "https://api.au1.cliniko.com/v1/patients/1420548001236346626/attendees"}}, "last_name": "Señoval", "merged_at": null, "post_code": "4350", "time_zone": "", "created_at": "2024-04-12T23:35:18Z", "deleted_at": null, "first_name": "Zelda", "occupation": "", "updated_at": "2025-03-22T19:11:15Z", "archived_at": null, "appointments": {"links": {"self": "https://api.au1.cliniko.com/v1/patients/1420548001236346626/appointments"}}, "country_code": "AU", "custom_fields": null, "date_of_birth": "2017-02-22", "invoice_email": "", "reminder_type": "SMS & Email", "medical_alerts": {"links": {"self": "https://api.au1.cliniko.com/v1/patients/1420548001236346626/medical_alerts"}}, "dva_card_number": "", "gender_identity": "", "referral_source": "Web search", "old_reference_id": "", "referring_doctor": {"links": {"self": "https://api.au1.cliniko.com/v1/contacts/1943264985943880351"}}, "appointment_notes": "", "emergency_contact": "", "invoice_default_to": "", "patient_attachments": {"links": {"self": "https://api.au1.cliniko.com/v1/patients/1420548001236346626/patient_attachments"}}, "preferred_first_name": "", "patient_phone_numbers": [{"number": "+61 491 570 006", "phone_type": "Mobile", "normalized_number": "61491570006"}, {"number": "(0491) 571804", "phone_type": "Mobile", "normalized_number": "61491571804"}], "accepted_sms_marketing": null, "accepted_privacy_policy": false, "accepted_email_marketing": null, "invoice_extra_information": "", "medicare_reference_number": "", "receives_cancellation_emails": null, "receives_confirmation_emails": true}', E'\\x9a1a2efc542c231dac00808b92c3f038', '0', '2026-11-28 17:47:20.913603+00'),
('18', '123', '1546968828479143860', 'Quentin', 'Mossvale', 'mossvale.19@post.example', NULL, '1939-01-02', NULL, NULL, NULL, NULL, '2024-10-04 09:50:55+00', '2025-12-19 09:12:32+00', '{"id": "1546968828479143860", "sex": "", "city": "Toowoomba", "email": "mossvale.19@post.example", "label": "Quentin Mossvale", "links": {"self": "https://api.au1.cliniko.com/v1/patients/1546968828479143860"}, "notes": "Prefers the ground-floor room", "state": "QLD", "title": "Miss", "gender": "", "country": "Australia", "invoices": {"links": {"self": "https://api.au1.cliniko.com/v1/patients/1546968828479143860/invoices"}}, "medicare": "", "pronouns": null, "address_1": "44 Quoll Street", "address_2": "", "address_3": "", "attendees": {"links": {"self": "https://api.au1.cliniko.com/v1/patients/1546968828479143860/attendees"}}, "last_name": "Mossvale", "merged_at": null, "post_code": "4350", "time_zone": "", "created_at": "2024-10-04T09:50:55Z", "deleted_at": null, "first_name": "Quentin", "occupation": "", "updated_at": "2025-12-19T09:12:32Z", "archived_at": null, "appointments": {"links": {"self": "https://api.au1.cliniko.com/v1/patients/1546968828479143860/appointments"}}, "country_code": "AU", "custom_fields": null, "date_of_birth": "1939-01-02", "invoice_email": "", "reminder_type": "None", "latest_booking": {"links": {"self": "https://api.au1.cliniko.com/v1/bookings/1622619520156022947"}}, "medical_alerts": {"links": {"self": "https://api.au1.cliniko.com/v1/patients/1546968828479143860/medical_alerts"}}, "dva_card_number": "", "gender_identity": "", "referral_source": "", "old_reference_id": "", "appointment_notes": "", "emergency_contact": "", "invoice_default_to": "", "patient_attachments": {"links": {"self": "https://api.au1.cliniko.com/v1/patients/1546968828479143860/patient_attachments"}}, "preferred_first_name": "", "patient_phone_numbers": [], "accepted_sms_marketing": false, "accepted_privacy_policy": null, "accepted_email_marketing": null, "invoice_extra_information": "", "medicare_reference_number": "", "receives_cancellation_emails": true, "receives_confirmation_emails": false}', E'\\x06fd46a088e6aede33c5f2ba70663fcb', '0', '2026-11-28 17:47:20.913603+00'),
('19', '123', '1620410948913465508', 'Marnie', 'Jessamine', 'Jessamine.20@example.com', '+61491574118', '1940-10-18', NULL, NULL, NULL, NULL, '2025-01-13 17:47:18+00', '2025-02-07 15:37:28+00', '{"id": "1620410948913465508", "sex": null, "city": null, "email": "Jessamine.20@example.com", "label": "Marnie Jessamine", "links": {"self": "https://api.au1.cliniko.com/v1/patients/1620410948913465508"}, "notes": null, "state": null, "title": "Dr", "gender": null, "country": null, "invoices": {"links": {"self": "https://api.au1.cliniko.com/v1/patients/1620410948913465508/invoices"}}, "medicare": null, "pronouns": null, "address_1": null, "address_2": null, "address_3": null, "attendees": {"links": {"self": "https://api.au1.cliniko.com/v1/patients/1620410948913465508/attendees"}}, "last_name": "Jessamine", "merged_at": null, "post_code": null, "time_zone": null, "created_at": "2025-01-13T17:47:18Z", "deleted_at": null, "first_name": "Marnie", "occupation": "Beekeeper", "updated_at": "2025-02-07T15:37:28Z", "archived_at": null, "appointments": {"links": {"self": "https://api.au1.cliniko.com/v1/patients/1620410948913465508/appointments"}}, "country_code": null, "custom_fields": null, "date_of_birth": "1940-10-18", "invoice_email": null, "reminder_type": null, "latest_booking": {"links": {"self": "https://api.au1.cliniko.com/v1/bookings/1671915318664073272"}}, "medical_alerts": {"links": {"self": "https://api.au1.cliniko.com/v1/patients/1620410948913465508/medical_alerts"}}, "dva_card_number": null, "gender_identity": null, "referral_source": null, "old_reference_id": null, "appointment_notes": null, "emergency_contact": null, "invoice_default_to": null, "patient_attachments": {"links": {"self": "https://api.au1.cliniko.com/v1/patients/1620410948913465508/patient_attachments"}}, "preferred_first_name": null, "patient_phone_numbers": [{"number": "+61491574118", "phone_type": "Mobile", "normalized_number": "61491574118"}], "accepted_sms_marketing": false, "accepted_privacy_policy": null, "accepted_email_marketing": null, "invoice_extra_information": null, "medicare_reference_number": null, "receives_cancellation_emails": null, "receives_confirmation_emails": null}', E'\\x96a7092851a858315c99126840184991', '0', '2026-11-28 17:47:20.957204+00'),
('2', '123', '41000073', 'Ada', 'Nettlefold', NULL, '+61491578957', '2007-10-26', NULL, NULL, NULL, NULL, '2019-06-07 06:54:53+00', '2021-06-26 05:08:24+00', '{"id": "41000073", "sex": "", "city": "Fremantle", "email": null, "label": "Ada Nettlefold", "links": {"self": "https://api.au1.cliniko.com/v1/patients/41000073"}, "notes": "", "state": "WA", "title": "Mr", "gender": "", "country": "Australia", "invoices": {"links": {"self": "https://api.au1.cliniko.com/v1/patients/41000073/invoices"}}, "medicare": null, "pronouns": null, "address_1": "293 Currawong Road", "address_2": null, "address_3": "", "attendees": {"links": {"self": "https://api.au1.cliniko.com/v1/patients/41000073/attendees"}}, "last_name": "Nettlefold", "merged_at": null, "post_code": "6160", "time_zone": "", "created_at": "2019-06-07T06:54:53Z", "deleted_at": null, "first_name": "Ada", "occupation": null, "updated_at": "2021-06-26T05:08:24Z", "archived_at": null, "appointments": {"links": {"self": "https://api.au1.cliniko.com/v1/patients/41000073/appointments"}}, "country_code": "AU", "custom_fields": null, "date_of_birth": "2007-10-26", "invoice_email": "", "reminder_type": "None", "medical_alerts": {"links": {"self": "https://api.au1.cliniko.com/v1/patients/41000073/medical_alerts"}}, "dva_card_number": "", "gender_identity": "", "referral_source": "", "old_reference_id": "LEG-41454", "appointment_notes": null, "emergency_contact": "Xanthe (sister) 0491 570 156", "invoice_default_to": null, "patient_attachments": {"links": {"self": "https://api.au1.cliniko.com/v1/patients/41000073/patient_attachments"}}, "preferred_first_name": null, "patient_phone_numbers": [{"number": "(0491) 578957", "phone_type": "Mobile", "normalized_number": "61491578957"}], "accepted_sms_marketing": true, "accepted_privacy_policy": null, "accepted_email_marketing": false, "invoice_extra_information": null, "medicare_reference_number": "1", "receives_cancellation_emails": null, "receives_confirmation_emails": false}', E'\\x62f2e7607f171ccc2d00492da7046937', '1', '2026-11-28 17:47:20.096642+00'),
('20', '123', '1661954187856494014', 'Greta', 'St. Cleer', 'StCleer.21@post.example', NULL, '2000-08-16', NULL, NULL, NULL, NULL, '2025-03-12 01:26:18+00', '2025-11-23 12:54:43+00', E'{"id": "1661954187856494014", "sex": "Other", "city": "Fremantle", "email": "StCleer.21@post.example", "label": "Greta St. Cleer", "links": {"self": "https://api.au1.cliniko.com/v1/patients/1661954187856494014"}, "notes": null, "state": "WA", "title": null, "gender": null, "country": "Australia", "invoices": {"links": {"self": "https://api.au1.cliniko.com/v1/patients/1661954187856494014/invoices"}}, "medicare": "", "pronouns": null, "address_1": "63 Saltbush Close", "address_2": "", "address_3": null, "attendees": {"links": {"self": "https://api.au1.cliniko.com/v1/patients/1661954187856494014/attendees"}}, "last_name": "St. Cleer", "merged_at": null, "post_code": "6160", "time_zone": null, "created_at": "2025-03-12T01:26:18Z", "deleted_at": null, "first_name": "Greta", "occupation": null, "updated_at": "2025-11-23T12:54:43Z", "archived_at": null, "appointments": {"links": {"self": "https://api.au1.cliniko.com/v1/patients/1661954187856494014/appointments"}}, "country_code": "AU", "custom_fields": null, "date_of_birth": "2000-08-16", "invoice_email": "", "reminder_type": "SMS & Email", "latest_booking": {"links": {"self": "https://api.au1.cliniko.com/v1/bookings/1485320371299677430"}}, "medical_alerts": {"links": {"self": "https://api.au1.cliniko.com/v1/patients/1661954187856494014/medical_alerts"}}, "concession_type": {"links": {"self": "https://api.au1.cliniko.com/v1/concession_types/2"}}, "dva_card_number": null, "gender_identity": "Male", "referral_source": null, "old_reference_id": null, "appointment_notes": "Ask about the \\"other\\" shoulder\\tnext time", "emergency_contact": "", "invoice_default_to": null, "patient_attachments": {"links": {"self": "https://api.au1.cliniko.com/v1/patients/1661954187856494014/patient_attachments"}}, "preferred_first_name": null, "patient_phone_numbers": null, "accepted_sms_marketing": true, "accepted_privacy_policy": null, "accepted_email_marketing": true, "invoice_extra_information": null, "medicare_reference_number": "", "receives_cancellation_emails": true, "receives_confirmation_emails": null}', E'\\x8ed31f486735aa50fe2f06c296a19b72', '0', '2026-11-28 17:47:20.978147+00'),
('21', '123', '1725558803140121572', 'Siobhán', 'Larkspurr', 'larkspurr.22@example.org', '+61491575254', '1998-04-22', NULL, NULL, NULL, NULL, '2025-06-07 19:37:19+00', '2025-06-07 19:37:19+00', '{"id": "1725558803140121572", "sex": null, "city": null, "email": "larkspurr.22@example.org", "label": "Siobhán Larkspurr", "links": {"self": "https://api.au1.cliniko.com/v1/patients/1725558803140121572"}, "notes": null, "state": null, "title": "Mx", "gender": null, "country": null, "invoices": {"links": {"self": "https://api.au1.cliniko.com/v1/patients/1725558803140121572/invoices"}}, "medicare": null, "pronouns": null, "address_1": null, "address_2": null, "address_3": null, "attendees": {"links": {"self": "https://api.au1.cliniko.com/v1/patients/1725558803140121572/attendees"}}, "last_name": "Larkspurr", "merged_at": null, "post_code": null, "time_zone": null, "created_at": "2025-06-07T19:37:19Z", "deleted_at": null, "first_name": "Siobhán", "occupation": null, "updated_at": "2025-06-07T19:37:19Z", "archived_at": null, "appointments": {"links": {"self": "https://api.au1.cliniko.com/v1/patients/1725558803140121572/appointments"}}, "country_code": null, "custom_fields": null, "date_of_birth": "1998-04-22", "invoice_email": null, "reminder_type": "Email", "medical_alerts": {"links": {"self": "https://api.au1.cliniko.com/v1/patients/1725558803140121572/medical_alerts"}}, "dva_card_number": null, "gender_identity": null, "referral_source": null, "old_reference_id": null, "appointment_notes": null, "emergency_contact": null, "invoice_default_to": null, "patient_attachments": {"links": {"self": "https://api.au1.cliniko.com/v1/patients/1725558803140121572/patient_attachments"}}, "preferred_first_name": null, "patient_phone_numbers": [{"number": "0491 575 254", "phone_type": "Mobile"}], "accepted_sms_marketing": true, "accepted_privacy_policy": null, "accepted_email_marketing": null, "invoice_extra_information": null, "medicare_reference_number": "1", "receives_cancellation_emails": true, "receives_confirmation_emails": null}', E'\\xe22fef050eeb4ed322e4f98a4e09f4e3', '0', '2026-11-28 17:47:20.978147+00'),
('22', '123', '1725558803140278554', 'Ada', NULL, 'Verdigris.23@example.org', '+61491578957', '1976-11-21', NULL, NULL, NULL, NULL, '2025-06-07 19:37:19+00', '2025-06-07 19:37:19+00', '{"id": "1725558803140278554", "sex": "", "city": "Ballarat", "email": "Verdigris.23@example.org", "label": "Ada", "links": {"self": "https://api.au1.cliniko.com/v1/patients/1725558803140278554"}, "notes": "Prefers the ground-floor room", "state": "VIC", "title": "Mx", "gender": "", "country": "Australia", "invoices": {"links": {"self": "https://api.au1.cliniko.com/v1/patients/1725558803140278554/invoices"}}, "medicare": null, "pronouns": null, "address_1": "44 Currawong Road", "address_2": "Unit 11", "address_3": null, "attendees": {"links": {"self": "https://api.au1.cliniko.com/v1/patients/1725558803140278554/attendees"}}, "last_name": "", "merged_at": null, "post_code": "3350", "time_zone": "", "created_at": "2025-06-07T19:37:19Z", "deleted_at": null, "first_name": "Ada", "occupation": "Beekeeper", "updated_at": "2025-06-07T19:37:19Z", "archived_at": null, "appointments": {"links": {"self": "https://api.au1.cliniko.com/v1/patients/1725558803140278554/appointments"}}, "country_code": "AU", "custom_fields": null, "date_of_birth": "1976-11-21", "invoice_email": null, "reminder_type": "SMS", "latest_booking": {"links": {"self": "https://api.au1.cliniko.com/v1/bookings/1735434155489469887"}}, "medical_alerts": {"links": {"self": "https://api.au1.cliniko.com/v1/patients/1725558803140278554/medical_alerts"}}, "dva_card_number": null, "gender_identity": "Non-binary", "referral_source": "Web search", "old_reference_id": "", "appointment_notes": null, "emergency_contact": "", "invoice_default_to": null, "patient_attachments": {"links": {"self": "https://api.au1.cliniko.com/v1/patients/1725558803140278554/patient_attachments"}}, "preferred_first_name": null, "patient_phone_numbers": [{"number": "+61491578957", "phone_type": "Mobile", "normalized_number": "61491578957"}], "accepted_sms_marketing": true, "accepted_privacy_policy": null, "accepted_email_marketing": null, "invoice_extra_information": "", "medicare_reference_number": "", "receives_cancellation_emails": true, "receives_confirmation_emails": false}', E'\\x953bd4fe72e64a4ddff99891652a4cfa', '0', '2026-11-28 17:47:20.994977+00'),
('3', '123', '41000109', 'Jasper', 'Đặngthuy', 'angthuy.2@example.org', '+61355502714', '1939-04-19', NULL, NULL, NULL, NULL, '2019-10-25 07:10:43+00', '2023-01-12 14:35:16+00', '{"id": "41000109", "sex": "", "city": "", "email": "angthuy.2@example.org", "label": "Jasper Đặngthuy", "links": {"self": "https://api.au1.cliniko.com/v1/patients/41000109"}, "notes": "", "state": null, "title": null, "gender": null, "country": null, "invoices": {"links": {"self": "https://api.au1.cliniko.com/v1/patients/41000109/invoices"}}, "medicare": null, "pronouns": null, "address_1": null, "address_2": null, "address_3": "", "attendees": {"links": {"self": "https://api.au1.cliniko.com/v1/patients/41000109/attendees"}}, "last_name": "Đặngthuy", "merged_at": null, "post_code": null, "time_zone": null, "created_at": "2019-10-25T07:10:43Z", "deleted_at": null, "first_name": "Jasper", "occupation": "Cartographer", "updated_at": "2023-01-12T14:35:16Z", "archived_at": null, "appointments": {"links": {"self": "https://api.au1.cliniko.com/v1/patients/41000109/appointments"}}, "country_code": "", "custom_fields": {"sections": [{"name": "Cover", "token": "5b0f5a52-7d0d-4c0f-9b2e-6f3a1c9d2e11", "fields": [{"name": "Fund", "type": "radiobuttons", "other": {"enabled": true}, "token": "c7e2b1a4-1f63-4a68-8c55-0d9be1a27f02", "options": [{"name": "Harbour Mutual", "token": "1d4f7f0e-93b5-4a2c-a7c1-4be0f5d6a903", "selected": true}, {"name": "Plains Friendly Society", "token": "e6a9c3d2-5b84-4f17-b0d3-72c81f9e3a04"}]}, {"name": "Member number", "type": "text", "token": "a90d6c3b-2e71-4b5a-93f8-1c7e4d0b6f05", "value": "HM-814384"}]}]}, "date_of_birth": "1939-04-19", "invoice_email": null, "reminder_type": "SMS & Email", "latest_booking": {"links": {"self": "https://api.au1.cliniko.com/v1/bookings/1890662251496531754"}}, "medical_alerts": {"links": {"self": "https://api.au1.cliniko.com/v1/patients/41000109/medical_alerts"}}, "dva_card_number": null, "gender_identity": "Male", "referral_source": "Walked past", "old_reference_id": "LEG-21319", "appointment_notes": null, "emergency_contact": null, "invoice_default_to": null, "patient_attachments": {"links": {"self": "https://api.au1.cliniko.com/v1/patients/41000109/patient_attachments"}}, "preferred_first_name": "", "patient_phone_numbers": [{"number": "+61 3 5550 2714", "phone_type": "Work", "normalized_number": "61355502714"}], "accepted_sms_marketing": true, "accepted_privacy_policy": null, "accepted_email_marketing": null, "invoice_extra_information": null, "medicare_reference_number": "", "receives_cancellation_emails": null, "receives_confirmation_emails": null}', E'\\x52df1a5fe7870e2c876f279a75709f7a', '0', '2026-11-28 17:47:20.1724+00'),
('4', '123', '41000114', 'Celeste', 'Åkerlind', 'akerlind.3@post.example', NULL, '1956-08-14', NULL, NULL, NULL, NULL, '2019-12-06 01:21:47+00', '2022-11-08 14:57:00+00', '{"id": "41000114", "sex": "Other", "city": "Toowoomba", "email": "akerlind.3@post.example", "label": "Celeste Åkerlind", "links": {"self": "https://api.au1.cliniko.com/v1/patients/41000114"}, "notes": "", "state": "QLD", "title": "Mr", "gender": "", "country": "Australia", "invoices": {"links": {"self": "https://api.au1.cliniko.com/v1/patients/41000114/invoices"}}, "medicare": "", "pronouns": null, "address_1": "116 Pademelon Crescent", "address_2": "Unit 11", "address_3": "", "attendees": {"links": {"self": "https://api.au1.cliniko.com/v1/patients/41000114/attendees"}}, "last_name": "Åkerlind", "merged_at": null, "post_code": "4350", "time_zone": "", "created_at": "2019-12-06T01:21:47Z", "deleted_at": null, "first_name": "Celeste", "occupation": "", "updated_at": "2022-11-08T14:57:00Z", "archived_at": null, "appointments": {"links": {"self": "https://api.au1.cliniko.com/v1/patients/41000114/appointments"}}, "country_code": "AU", "custom_fields": null, "date_of_birth": "1956-08-14", "invoice_email": "", "reminder_type": "None", "medical_alerts": {"links": {"self": "https://api.au1.cliniko.com/v1/patients/41000114/medical_alerts"}}, "dva_card_number": "", "gender_identity": "", "referral_source": "Web search", "old_reference_id": "", "referring_doctor": {"links": {"self": "https://api.au1.cliniko.com/v1/contacts/1825169699170491600"}}, "appointment_notes": "", "emergency_contact": "", "invoice_default_to": "", "patient_attachments": {"links": {"self": "https://api.au1.cliniko.com/v1/patients/41000114/patient_attachments"}}, "preferred_first_name": "", "patient_phone_numbers": [], "accepted_sms_marketing": true, "accepted_privacy_policy": true, "accepted_email_marketing": true, "invoice_extra_information": "", "medicare_reference_number": "1", "receives_cancellation_emails": null, "receives_confirmation_emails": null}', E'\\xdd12c584e28f51e5c4888cfcaabb27e0', '0', '2026-11-28 17:47:20.1724+00'),
('5', '123', '41000157', 'Elspeth', 'Yarrowby', 'yarrowby.4@example.org', NULL, '1940-02-01', NULL, NULL, NULL, NULL, '2020-04-09 02:43:36+00', '2020-04-09 02:43:36+00', '{"id": "41000157", "sex": "", "city": "Hobart", "email": "yarrowby.4@example.org", "label": "Elspeth Yarrowby", "links": {"self": "https://api.au1.cliniko.com/v1/patients/41000157"}, "notes": "", "state": "TAS", "title": "Ms", "gender": "", "country": "Australia", "invoices": {"links": {"self": "https://api.au1.cliniko.com/v1/patients/41000157/invoices"}}, "medicare": "", "pronouns": null, "address_1": "40 Lyrebird Parade", "address_2": "", "address_3": "", "attendees": {"links": {"self": "https://api.au1.cliniko.com/v1/patients/41000157/attendees"}}, "last_name": "Yarrowby", "merged_at": null, "post_code": "7000", "time_zone": "", "created_at": "2020-04-09T02:43:36Z", "deleted_at": null, "first_name": "Elspeth", "occupation": "", "updated_at": "2020-04-09T02:43:36Z", "archived_at": null, "appointments": {"links": {"self": "https://api.au1.cliniko.com/v1/patients/41000157/appointments"}}, "country_code": "AU", "custom_fields": null, "date_of_birth": "1940-02-01", "invoice_email": "", "reminder_type": "SMS", "medical_alerts": {"links": {"self": "https://api.au1.cliniko.com/v1/patients/41000157/medical_alerts"}}, "dva_card_number": "", "gender_identity": "Male", "referral_source": "Walked past", "old_reference_id": "", "appointment_notes": "", "emergency_contact": "", "invoice_default_to": "", "patient_attachments": {"links": {"self": "https://api.au1.cliniko.com/v1/patients/41000157/patient_attachments"}}, "preferred_first_name": "Els", "patient_phone_numbers": [], "accepted_sms_marketing": null, "accepted_privacy_policy": null, "accepted_email_marketing": false, "invoice_extra_information": "", "medicare_reference_number": "1", "receives_cancellation_emails": false, "receives_confirmation_emails": true}', E'\\xccc5adda558e8ce12aff1ff2c1e5e4df', '0', '2026-11-28 17:47:20.465589+00'),
('6', '123', '41000208', 'Marnie ', 'Yarrowby', 'yarrowby.4@example.org', NULL, '2011-09-26', NULL, NULL, NULL, NULL, '2020-07-23 09:48:47+00', '2023-02-25 01:29:38+00', '{"id": "41000208", "sex": null, "city": "Hobart", "email": "yarrowby.4@example.org", "label": "Marnie  Yarrowby", "links": {"self": "https://api.au1.cliniko.com/v1/patients/41000208"}, "notes": null, "state": "TAS", "title": "Mx", "gender": null, "country": "Australia", "invoices": {"links": {"self": "https://api.au1.cliniko.com/v1/patients/41000208/invoices"}}, "medicare": "0000050787", "pronouns": null, "address_1": "40 Lyrebird Parade", "address_2": null, "address_3": null, "attendees": {"links": {"self": "https://api.au1.cliniko.com/v1/patients/41000208/attendees"}}, "last_name": "Yarrowby", "merged_at": null, "post_code": "7000", "time_zone": null, "created_at": "2020-07-23T09:48:47Z", "deleted_at": null, "first_name": "Marnie ", "occupation": "Cartographer", "updated_at": "2023-02-25T01:29:38Z", "archived_at": null, "appointments": {"links": {"self": "https://api.au1.cliniko.com/v1/patients/41000208/appointments"}}, "country_code": "AU", "custom_fields": {"sections": [{"name": "Cover", "token": "5b0f5a52-7d0d-4c0f-9b2e-6f3a1c9d2e11", "fields": [{"name": "Fund", "type": "radiobuttons", "other": {"enabled": true}, "token": "c7e2b1a4-1f63-4a68-8c55-0d9be1a27f02", "options": [{"name": "Harbour Mutual", "token": "1d4f7f0e-93b5-4a2c-a7c1-4be0f5d6a903"}, {"name": "Plains Friendly Society", "token": "e6a9c3d2-5b84-4f17-b0d3-72c81f9e3a04", "selected": true}]}, {"name": "Member number", "type": "text", "token": "a90d6c3b-2e71-4b5a-93f8-1c7e4d0b6f05"}]}]}, "date_of_birth": "2011-09-26", "invoice_email": null, "reminder_type": "Email", "latest_booking": {"links": {"self": "https://api.au1.cliniko.com/v1/bookings/1739388946192447000"}}, "medical_alerts": {"links": {"self": "https://api.au1.cliniko.com/v1/patients/41000208/medical_alerts"}}, "dva_card_number": null, "gender_identity": null, "referral_source": null, "old_reference_id": null, "appointment_notes": null, "emergency_contact": null, "invoice_default_to": null, "patient_attachments": {"links": {"self": "https://api.au1.cliniko.com/v1/patients/41000208/patient_attachments"}}, "preferred_first_name": null, "patient_phone_numbers": null, "accepted_sms_marketing": null, "accepted_privacy_policy": false, "accepted_email_marketing": false, "invoice_extra_information": null, "medicare_reference_number": null, "receives_cancellation_emails": true, "receives_confirmation_emails": false}', E'\\xa91cc07d63a281cede74efda59eab976', '0', '2026-11-28 17:47:20.524003+00'),
('7', '123', '41000245', 'Søren', 'de la Cours', 'delaCours.6@post.example', NULL, '2005-07-20', NULL, NULL, NULL, NULL, '2020-10-26 16:12:20+00', '2022-06-30 05:57:54+00', '{"id": "41000245", "sex": "Other", "city": "Toowoomba", "email": "delaCours.6@post.example", "label": "Søren de la Cours", "links": {"self": "https://api.au1.cliniko.com/v1/patients/41000245"}, "notes": "Speaks softly; sits by the window", "state": "QLD", "title": null, "gender": null, "country": "Australia", "invoices": {"links": {"self": "https://api.au1.cliniko.com/v1/patients/41000245/invoices"}}, "medicare": "0000061769", "pronouns": null, "address_1": "51 Currawong Road", "address_2": "", "address_3": "", "attendees": {"links": {"self": "https://api.au1.cliniko.com/v1/patients/41000245/attendees"}}, "last_name": "de la Cours", "merged_at": null, "post_code": "4350", "time_zone": "Australia/Brisbane", "created_at": "2020-10-26T16:12:20Z", "deleted_at": null, "first_name": "Søren", "occupation": "Cartographer", "updated_at": "2022-06-30T05:57:54Z", "archived_at": null, "appointments": {"links": {"self": "https://api.au1.cliniko.com/v1/patients/41000245/appointments"}}, "country_code": "AU", "custom_fields": null, "date_of_birth": "2005-07-20", "invoice_email": "", "reminder_type": "SMS", "latest_booking": {"links": {"self": "https://api.au1.cliniko.com/v1/bookings/1844206975906350628"}}, "medical_alerts": {"links": {"self": "https://api.au1.cliniko.com/v1/patients/41000245/medical_alerts"}}, "dva_card_number": "", "gender_identity": null, "referral_source": null, "old_reference_id": "", "appointment_notes": "", "emergency_contact": "", "invoice_default_to": null, "patient_attachments": {"links": {"self": "https://api.au1.cliniko.com/v1/patients/41000245/patient_attachments"}}, "preferred_first_name": "", "patient_phone_numbers": [], "accepted_sms_marketing": null, "accepted_privacy_policy": true, "accepted_email_marketing": true, "invoice_extra_information": "", "medicare_reference_number": "1", "receives_cancellation_emails": null, "receives_confirmation_emails": null}', E'\\x4bd8be197c61632fbf56252924474528', '0', '2026-11-28 17:47:20.524003+00'),
('8', '123', '41000281', 'Greta', 'Þórvaldsen', ' orvaldsen.7@example.com ', '+61491575254', '1965-05-12', NULL, NULL, NULL, NULL, '2020-10-26 16:12:20+00', '2023-12-11 19:28:15+00', E'{"id": "41000281", "sex": "Male", "city": "Ballarat", "email": " orvaldsen.7@example.com ", "label": "Greta Þórvaldsen", "links": {"self": "https://api.au1.cliniko.com/v1/patients/41000281"}, "notes": "Ask about the \\"other\\" shoulder\\tnext time", "state": "VIC", "title": "Miss", "gender": null, "country": "Australia", "invoices": {"links": {"self": "https://api.au1.cliniko.com/v1/patients/41000281/invoices"}}, "medicare": null, "pronouns": null, "address_1": "108 Bottlebrush Lane", "address_2": "", "address_3": null, "attendees": {"links": {"self": "https://api.au1.cliniko.com/v1/patients/41000281/attendees"}}, "last_name": "Þórvaldsen", "merged_at": null, "post_code": "3350", "time_zone": "", "created_at": "2020-10-26T16:12:20Z", "deleted_at": null, "first_name": "Greta", "occupation": "", "updated_at": "2023-12-11T19:28:15Z", "archived_at": null, "appointments": {"links": {"self": "https://api.au1.cliniko.com/v1/patients/41000281/appointments"}}, "country_code": "AU", "custom_fields": null, "date_of_birth": "1965-05-12", "invoice_email": "claims@harbourmutual.example", "reminder_type": "Email", "latest_booking": {"links": {"self": "https://api.au1.cliniko.com/v1/bookings/1277156066591330658"}}, "medical_alerts": {"links": {"self": "https://api.au1.cliniko.com/v1/patients/41000281/medical_alerts"}}, "dva_card_number": "", "gender_identity": "f", "referral_source": null, "old_reference_id": "", "appointment_notes": null, "emergency_contact": "Quentin (sister) 0491 570 156", "invoice_default_to": "Harbour Mutual", "patient_attachments": {"links": {"self": "https://api.au1.cliniko.com/v1/patients/41000281/patient_attachments"}}, "preferred_first_name": null, "patient_phone_numbers": [{"number": "0491-575-254", "phone_type": "Mobile"}], "accepted_sms_marketing": true, "accepted_privacy_policy": true, "accepted_email_marketing": true, "invoice_extra_information": "Claim 60543\\r\\nWaits for approval", "medicare_reference_number": "", "receives_cancellation_emails": null, "receives_confirmation_emails": null}', E'\\xeda9f19adc3717e9d2bb0b323668fdc7', '0', '2026-11-28 17:47:20.624029+00'),
('9', '123', '41000301', 'D''ARCY', 'Þórvaldsen', ' orvaldsen.7@example.com ', '+61491575254', '1945-08-02', NULL, NULL, NULL, NULL, '2021-05-26 02:19:25+00', '2022-08-12 07:35:35+00', '{"id": "41000301", "sex": "", "city": "Ballarat", "email": " orvaldsen.7@example.com ", "label": "D''ARCY Þórvaldsen", "links": {"self": "https://api.au1.cliniko.com/v1/patients/41000301"}, "notes": "", "state": "VIC", "title": "", "gender": "", "country": "Australia", "invoices": {"links": {"self": "https://api.au1.cliniko.com/v1/patients/41000301/invoices"}}, "medicare": "", "pronouns": null, "address_1": "108 Bottlebrush Lane", "address_2": "", "address_3": "", "attendees": {"links": {"self": "https://api.au1.cliniko.com/v1/patients/41000301/attendees"}}, "last_name": "Þórvaldsen", "merged_at": null, "post_code": "3350", "time_zone": "", "created_at": "2021-05-26T02:19:25Z", "deleted_at": null, "first_name": "D''ARCY", "occupation": "", "updated_at": "2022-08-12T07:35:35Z", "archived_at": null, "appointments": {"links": {"self": "https://api.au1.cliniko.com/v1/patients/41000301/appointments"}}, "country_code": "AU", "custom_fields": {"sections": [{"name": "Cover", "token": "5b0f5a52-7d0d-4c0f-9b2e-6f3a1c9d2e11", "fields": [{"name": "Fund", "type": "radiobuttons", "other": {"enabled": true}, "token": "c7e2b1a4-1f63-4a68-8c55-0d9be1a27f02", "options": [{"name": "Harbour Mutual", "token": "1d4f7f0e-93b5-4a2c-a7c1-4be0f5d6a903", "selected": true}, {"name": "Plains Friendly Society", "token": "e6a9c3d2-5b84-4f17-b0d3-72c81f9e3a04"}]}, {"name": "Member number", "type": "text", "token": "a90d6c3b-2e71-4b5a-93f8-1c7e4d0b6f05", "value": "HM-199710"}]}]}, "date_of_birth": "1945-08-02", "invoice_email": "", "reminder_type": "Email", "medical_alerts": {"links": {"self": "https://api.au1.cliniko.com/v1/patients/41000301/medical_alerts"}}, "dva_card_number": "", "gender_identity": "", "referral_source": "", "old_reference_id": "", "referring_doctor": {"links": {"self": "https://api.au1.cliniko.com/v1/contacts/1798008653853272077"}}, "appointment_notes": "", "emergency_contact": "Quentin (sister) 0491 570 156", "invoice_default_to": "", "patient_attachments": {"links": {"self": "https://api.au1.cliniko.com/v1/patients/41000301/patient_attachments"}}, "preferred_first_name": "", "patient_phone_numbers": [{"number": "0491-575-254", "phone_type": "Mobile"}], "accepted_sms_marketing": true, "accepted_privacy_policy": true, "accepted_email_marketing": null, "invoice_extra_information": "", "medicare_reference_number": "1", "receives_cancellation_emails": false, "receives_confirmation_emails": false}', E'\\xa1bf642b346a4e801c153ae67044430e', '0', '2026-11-28 17:47:20.624029+00');
INSERT INTO quarantine ("id", "organization_id", "record_key", "cliniko_patient_id", "reason", "sealed_raw", "first_seen_at", "last_seen_at", "attempts") OVERRIDING SYSTEM VALUE VALUES
('1', '123', '1372611778970204356', '1372611778970204356', 'INVALID_PHONE', 'v1.S7Bvjk46.xMx8dgdSswzDnF-I.dsSd9kZVlQ0C52F9DjmwvWXiqiJfSacx7iX21mRUGwIJWZZjhCvVD99RgigxIlGcQ7wEhJMeZd7ujio2Ljy0ayO07Ax1fH8INHPGe0gJBnsnLArTxKkRsZ1SGVoctIVP01EBim_8-jbNTgCxOZylv4L5SEXZsxhKpeRiu8ImzHwUvgHWX7hecsoaVLGdko4xkH-OZYdOEi1-T_aq-_1KnXFFXwOI08bmKD6IJ2azzpNyj2engd-YZlZ07rQ7qD9ubqIQSQEMMLZLBlJFdvZnqfC0cJsdNSkOv_eyVBU92b7DscDfnutJbRhsFJIZGn7K6ATLwn4bL5RWzsmJrmdvzt1342GQJk-3rdT18UDTCRQu12K1DCxGH2MW0wPj_5dcVmW2QBLTdCeutBXrhvtKXdQReUgsRzH6WnrIA3jZ2bE-tQ2-y9KRrynsBfxfrtHTpiV-rczpX39mEiHCzX2GzvhQNp6BqVPUNUCzH0TzUAO0aTsYTZcZxNzz4VhUDX4T8-5YDCM0mSpbWkJq-G1dZC7Gj5WwXkYIzVzV7kQ2zKRLvStjs3LlEIvvY4E5BInoamQFJ4xgPBC0TaFiZA37zEmSEiPuLK8V79U2GYn-zjuqKVXnP1_FmyMbB2JUqsEWVUUASzMqAFHPbdOq1u3Nbx-ty1ISJ9gDfma7BrGfAzsR4ZRhsmlWkU0eTFlj_3K-9uNtIE2bc4yjHndtX5o62-Zrjbjk7myeMwayLwLpUH9BMkZ302G5kyn3zvuKVdwlIJMUnyRbulq9dqHhUPm9jTKEHxQsB7VK6Ygi2rvVGFogYyX4si0Ey7iAlNK2rBCZkiOGyQQr3E717Y1FmidC0oCdD3RzWeu6YB8WSrdeDtvUQerrQMxcNaXhZlbMVfLwJ4m5peHeMkshhLsF8W_q-2y8zICPChyhVa4gLhP4IbqOFTZ0Gb7xhwTw4Hy5PNiLbljDRJxNrYVy1Fu8TaB4XFTQMSr3ESJo0wJYBJGGbElKh4XCmR9rPrnoC2IYqke63Vu0nzwpB_TrL9VYA9NocDKI3Jyox_3QqlfG3Wk7V1sO5k5c1soF_LIKdC6zn8GAdlSzyvi9KRM_HMavtI3lpPEX-psFmS2xUTb9kS-dnEj8kOdNtXIEDszXlLy5vlcVxXpGKKdt5xD7OWTMWxNGnmfx6xtGMuED_fb-3m1xGAI0_aeZw_WiRnzEjNdcLdvGUgJ59Jsuoc0YBgHQOyrvQEOEIepLKYK1IKZ4tJUocbvpZIJQTdjM4KUJD4DRVvZR0YiqnpXmlZMrX1DAEZCEsiKOTwb0n-uwOtqDzFd4KCZwUFybcj_NjGgNK2Bw7W5-gy4Qgtf4uWVgSojLLa4Kz0E-jnBlh6v8TIJoDPskRYb9mnBQFe3NEClQMaVbMUBrso5OcM_98w_rs9TYHTKOjKE5sMmcYT6Kr-YLskrw8bQ17YKAV_5IVnF0ONLLclpsPYwzI7fKXFnTY_UADrtTevR87kX0i_Eyq4MY4rqRyTcG26-JdXSxyMsLpiNAK4uU8oDUkBrO1FD8qz6dehIDMPhls3Ir3y8YSkZds3TFmCWU4kgWt9y8Ki6Z2-QBzPZuPq5XDV_VGocgR8mbFQGP5gs_ohNqm91aDJUt9rBcHPw0OcIw_p3z-08pcwvvtzwZ3bTCvjESGUBtfQcXCpfgLeWoEXHsyR9AOuH95cr85-vPA1xNBg3-W6ZO8cDAoQdUvTLl7jncgC7jHB8ywrze9bfelROm_DRRY8Kq9n8YJeEGMcgTIPb0LbmdFJmyqCd1FPtmTLQ6UpCGCXMqoI5fVQYrSEYsJJSWPMhPBUsyzjrCfYPvv2sTerDKb3cYg-9UjoxRO1-8a2AbWhJn8b6iUqnuXleaM5dQILB0XukE6EBR694IHvwSh7Fbwrc8SslKrIDiNvHjTdC8JFigXX-jlsetmd4UlOnv_txpf573P6MfgpJBqfRkgUYBMjCsfOCqIY7yrp-cbWuolgePYiU56481-O9Ydm7P4cVeqLrGDZGSvFtLn4Jem3WIlSqggNFrqNyVAKGILynuNRvLPgxk100QY7CxceedZ0UjnKGd8C_unOiFwkPCHk8aYRA_vd59rbv03ahTXqVnEddEpwoBpMis-iuT3UH85t08F7YkhnOVp5xTcFnPCPQWQHRrxi21yveOih_xZjZG8SIRVHbCNoQ4uhQpxprmqkH3JhLc6RoRdBFsiF2Wr1JqcCr378x9dn4h02zWPq2klrX5nkppvDoLy8UFN6TImU7OKN3UPd-0HvZlF29YmaAa5kEnZG60hGVVtNu-WglZQN3HxbObT9oB2M0tYrFsUVLD8f_kI-5lPsEPg28UWFfhpkyk0xZqXfBsnAc5GJAodzJuFpUyyK2d22UEbemYAzcHPebB42wor1ftCjKJT9B06YXt3UCdp0MDz8c1HJCdo-UmU6lH0r4dFAdRHK6W3KObCZsLSsVD4ntvtCrgsavZq44B6oZ6d_1wwWHY9SuWxpzmGjvwqWZIxW0zH6VJVJYgFHIfrXoori-phz9mTHH-oQ5-Amj0SFogYRKGcfApl9Qshr4SylVrnmMtn2CTRT6vhRedvTt749DzKplq_xJ3Ru-x6zZfw2071giRxTVPF3l56jQ-yKDg_lzYRmTLLJPWbN6INW4nt3DCiO2Kqoh_bL96aBxzz28abfpjapdFRBl-cBjK4XiX3PC4IDORSK0yQ4DNIP_rS2u_QfQMwuCN0flS0_DS07oB9JPAmmeLUpYNWMkbG1QUqbKzcLc0Oo0lm-Vda5to1JzPfYCkDNF7pIJTuUcPoKcjEBMVLlhLA7MJmYZG6PkFA7bcrGBZG9ZnVWJxF9h7XlwKJD_QNpKOta7creC_RmZYKzoOJZ7C9GE9M-lc90RaDRt-KCj-GVaq81j4994rezQ.8nVaPAF43ueOlty7UKDThA', '2026-11-28 17:47:20.887803+00', '2026-11-28 17:47:20.887803+00', '1');
INSERT INTO sync_logs ("id", "organization_id", "operation_type", "status", "started_at", "completed_at", "records_processed", "records_success", "records_failed", "metadata", "error_details") VALUES
('1', '123', 'active_patients', 'completed', '2026-11-28 17:47:19.265', '2026-11-28 17:47:21.202', '23', '22', '1', '{"phase": "completed", "proof": {"seen": 23, "proven": true, "repairs": 0, "total_at_end": 23, "total_at_start": 23}, "errors": ["Patient ID 1372611778970204356: Invalid phone number format"], "attempt": 1, "updated": 0, "archived": 0, "inserted": 22, "forecasts": [{"at_percent": 10, "predicted_ms": 4267}, {"at_percent": 25, "predicted_ms": 3674}, {"at_percent": 50, "predicted_ms": 2457}, {"at_percent": 75, "predicted_ms": 1777}], "sync_type": "active_patients", "unchanged": 0, "duration_ms": 1905, "total_pages": 5, "current_page": 5, "errors_total": 1, "success_rate": 95.7, "patients_found": 23, "warnings_total": 2, "patients_stored": 22, "progress_percent": 100, "estimated_remaining": "0 seconds", "performance_metrics": {"api_requests": 7, "database_time": "1s", "api_fetch_time": "1s", "total_duration": "2s", "processing_time": "0s", "database_operations": 14, "patients_per_second": 12.1}, "estimated_remaining_ms": 0}', NULL),
('2', '124', 'full_patients', 'success', '2026-11-28 17:47:21.267438', '2026-11-28 17:47:21.267438', '3', '0', '0', '{}', NULL),
('3', '123', 'full_patients', 'running', '2026-11-28 17:47:21.548', NULL, '10', '10', '0', '{"phase": "storing", "errors": [], "attempt": 1, "updated": 0, "archived": 0, "inserted": 0, "sync_type": "full_patients", "unchanged": 10, "total_pages": 5, "current_page": 2, "errors_total": 0, "patients_found": 24, "warnings_total": 1, "patients_stored": 10, "progress_percent": 41.7, "estimated_remaining": "2 seconds", "estimated_remaining_ms": 1464}', NULL);
INSERT INTO sync_runs ("sync_log_id", "organization_id", "operation_type", "owner", "lease_epoch", "lease_expires_at", "attempt", "fruitless_claims", "checkpoint", "cancel_requested_at", "created_at", "ended_at") VALUES
('1', '123', 'active_patients', NULL, '1', '2026-11-28 17:47:36.013765+00', '1', '0', '{"page": 6, "began": "2026-11-28T17:47:19.241Z", "found": 23, "place": 0, "errors": ["Patient ID 1372611778970204356: Invalid phone number format"], "fetchMs": 961.9150930000014, "percent": 99.9, "updated": 0, "archived": 0, "coverage": {"leg": "sweep", "seen": 23, "round": 0, "steady": true, "afterId": null, "repairs": 0, "nameless": 0, "totalAtEnd": 23, "totalAtStart": 23}, "inserted": 22, "pageSize": 5, "waitedMs": 0, "elapsedMs": 1517.4462879999992, "forecasts": [{"at_percent": 10, "predicted_ms": 4267}, {"at_percent": 25, "predicted_ms": 3674}, {"at_percent": 50, "predicted_ms": 2457}, {"at_percent": 75, "predicted_ms": 1777}], "processed": 23, "succeeded": 22, "unchanged": 0, "databaseMs": 961.9628140000004, "keyVersion": "1795888038.120144", "totalPages": 5, "apiRequests": 7, "errorsTotal": 1, "processingMs": 53.78827699999238, "warningsTotal": 2, "databaseOperations": 14}', NULL, '2026-11-28 17:47:19.241185+00', '2026-11-28 17:47:21.232549+00'),
('3', '123', 'full_patients', '7e93eacc4cb32929', '1', '2026-11-28 17:47:37.706588+00', '1', '0', '{"page": 3, "began": "2026-11-28T17:47:21.535Z", "found": 24, "place": 0, "errors": [], "fetchMs": 921.5108920000002, "percent": 41.7, "updated": 0, "archived": 0, "coverage": {"leg": "walk", "seen": 10, "round": 0, "steady": true, "afterId": null, "repairs": 0, "nameless": 0, "totalAtEnd": 24, "totalAtStart": 24}, "inserted": 0, "pageSize": 5, "waitedMs": 0, "elapsedMs": 1045.7360119999994, "forecasts": [{"at_percent": 10, "predicted_ms": 3658}, {"at_percent": 25, "predicted_ms": 3441}], "processed": 10, "succeeded": 10, "unchanged": 10, "databaseMs": 106.86322600000312, "keyVersion": "1795888038.120144", "totalPages": 5, "apiRequests": 3, "errorsTotal": 0, "processingMs": 2.1973239999988436, "warningsTotal": 1, "databaseOperations": 5}', NULL, '2026-11-28 17:47:21.535503+00', NULL);
INSERT INTO sync_seen ("sync_log_id", "cliniko_patient_ids") VALUES
('3', '{41000034,41000073}'),
('3', '{41000109,41000114}'),
('3', '{41000157}'),
('3', '{41000208,41000245}'),
('3', '{41000281,41000301}'),
('3', '{41000359}');
INSERT INTO sync_streams ("organization_id", "head") VALUES
('123', '26'),
('124', '1');
INSERT INTO sync_events ("organization_id", "seq", "at", "type", "created", "sync_log_id", "row", "row_seq") VALUES
('123', '24', '2026-11-28 17:47:22.671876+00', 'progress', 'false', '3', '{"id": 3, "status": "running", "metadata": {"phase": "storing", "errors": [], "attempt": 1, "updated": 0, "archived": 0, "inserted": 0, "sync_type": "full_patients", "unchanged": 7, "total_pages": 5, "current_page": 2, "errors_total": 0, "patients_found": 24, "warnings_total": 1, "patients_stored": 7, "progress_percent": 29.2, "estimated_remaining": "3 seconds", "estimated_remaining_ms": 2437}, "started_at": "2026-11-28T17:47:21.548", "completed_at": null, "error_details": null, "operation_type": "full_patients", "records_failed": 0, "organization_id": 123, "records_success": 7, "records_processed": 7}', '24'),
('123', '2', '2026-11-28 17:47:19.547534+00', 'progress', 'false', '1', '{"id": 1, "status": "running", "metadata": {"phase": "fetching", "errors": [], "attempt": 1, "updated": 0, "archived": 0, "inserted": 0, "sync_type": "active_patients", "unchanged": 0, "total_pages": 0, "current_page": 0, "errors_total": 0, "patients_found": 0, "warnings_total": 0, "patients_stored": 0, "progress_percent": 0, "estimated_remaining": null, "estimated_remaining_ms": null}, "started_at": "2026-11-28T17:47:19.265", "completed_at": null, "error_details": null, "operation_type": "active_patients", "records_failed": 0, "organization_id": 123, "records_success": 0, "records_processed": 0}', '2'),
('123', '3', '2026-11-28 17:47:20.174736+00', 'progress', 'false', '1', '{"id": 1, "status": "running", "metadata": {"phase": "storing", "errors": [], "attempt": 1, "updated": 0, "archived": 0, "inserted": 2, "sync_type": "active_patients", "unchanged": 0, "total_pages": 5, "current_page": 1, "errors_total": 0, "patients_found": 23, "warnings_total": 1, "patients_stored": 2, "progress_percent": 8.7, "estimated_remaining": "7 seconds", "estimated_remaining_ms": 6164}, "started_at": "2026-11-28T17:47:19.265", "completed_at": null, "error_details": null, "operation_type": "active_patients", "records_failed": 0, "organization_id": 123, "records_success": 2, "records_processed": 2}', '3'),
('123', '4', '2026-11-28 17:47:20.327129+00', 'progress', 'false', '1', '{"id": 1, "status": "running", "metadata": {"phase": "storing", "errors": [], "attempt": 1, "updated": 0, "archived": 0, "inserted": 4, "sync_type": "active_patients", "unchanged": 0, "total_pages": 5, "current_page": 1, "errors_total": 0, "patients_found": 23, "warnings_total": 1, "patients_stored": 4, "progress_percent": 17.4, "estimated_remaining": "4 seconds", "estimated_remaining_ms": 3525}, "started_at": "2026-11-28T17:47:19.265", "completed_at": null, "error_details": null, "operation_type": "active_patients", "records_failed": 0, "organization_id": 123, "records_success": 4, "records_processed": 4}', '4'),
('123', '5', '2026-11-28 17:47:20.595034+00', 'progress', 'false', '1', '{"id": 1, "status": "running", "metadata": {"phase": "storing", "errors": [], "attempt": 1, "updated": 0, "archived": 0, "inserted": 5, "sync_type": "active_patients", "unchanged": 0, "total_pages": 5, "current_page": 1, "errors_total": 0, "patients_found": 23, "warnings_total": 1, "patients_stored": 5, "progress_percent": 21.7, "estimated_remaining": "4 seconds", "estimated_remaining_ms": 3219}, "started_at": "2026-11-28T17:47:19.265", "completed_at": null, "error_details": null, "operation_type": "active_patients", "records_failed": 0, "organization_id": 123, "records_success": 5, "records_processed": 5}', '5'),
('123', '6', '2026-11-28 17:47:20.606209+00', 'progress', 'false', '1', '{"id": 1, "status": "running", "metadata": {"phase": "storing", "errors": [], "attempt": 1, "updated": 0, "archived": 0, "inserted": 7, "sync_type": "active_patients", "unchanged": 0, "total_pages": 5, "current_page": 2, "errors_total": 0, "patients_found": 23, "warnings_total": 1, "patients_stored": 7, "progress_percent": 30.4, "estimated_remaining": "3 seconds", "estimated_remaining_ms": 2556}, "started_at": "2026-11-28T17:47:19.265", "completed_at": null, "error_details": null, "operation_type": "active_patients", "records_failed": 0, "organization_id": 123, "records_success": 7, "records_processed": 7}', '6'),
('123', '7', '2026-11-28 17:47:20.683557+00', 'progress', 'false', '1', '{"id": 1, "status": "running", "metadata": {"phase": "storing", "errors": [], "attempt": 1, "updated": 0, "archived": 0, "inserted": 9, "sync_type": "active_patients", "unchanged": 0, "total_pages": 5, "current_page": 2, "errors_total": 0, "patients_found": 23, "warnings_total": 1, "patients_stored": 9, "progress_percent": 39.1, "estimated_remaining": "2 seconds", "estimated_remaining_ms": 1862}, "started_at": "2026-11-28T17:47:19.265", "completed_at": null, "error_details": null, "operation_type": "active_patients", "records_failed": 0, "organization_id": 123, "records_success": 9, "records_processed": 9}', '7'),
('123', '8', '2026-11-28 17:47:20.746074+00', 'progress', 'false', '1', '{"id": 1, "status": "running", "metadata": {"phase": "storing", "errors": [], "attempt": 1, "updated": 0, "archived": 0, "inserted": 10, "sync_type": "active_patients", "unchanged": 0, "total_pages": 5, "current_page": 2, "errors_total": 0, "patients_found": 23, "warnings_total": 1, "patients_stored": 10, "progress_percent": 43.5, "estimated_remaining": "2 seconds", "estimated_remaining_ms": 1636}, "started_at": "2026-11-28T17:47:19.265", "completed_at": null, "error_details": null, "operation_type": "active_patients", "records_failed": 0, "organization_id": 123, "records_success": 10, "records_processed": 10}', '8'),
('123', '9', '2026-11-28 17:47:20.829679+00', 'progress', 'false', '1', '{"id": 1, "status": "running", "metadata": {"phase": "storing", "errors": [], "attempt": 1, "updated": 0, "archived": 0, "inserted": 12, "sync_type": "active_patients", "unchanged": 0, "total_pages": 5, "current_page": 3, "errors_total": 0, "patients_found": 23, "warnings_total": 1, "patients_stored": 12, "progress_percent": 52.2, "estimated_remaining": "2 seconds", "estimated_remaining_ms": 1175}, "started_at": "2026-11-28T17:47:19.265", "completed_at": null, "error_details": null, "operation_type": "active_patients", "records_failed": 0, "organization_id": 123, "records_success": 12, "records_processed": 12}', '9'),
('123', '10', '2026-11-28 17:47:20.859531+00', 'progress', 'false', '1', '{"id": 1, "status": "running", "metadata": {"phase": "storing", "errors": [], "attempt": 1, "updated": 0, "archived": 0, "inserted": 14, "sync_type": "active_patients", "unchanged": 0, "total_pages": 5, "current_page": 3, "errors_total": 0, "patients_found": 23, "warnings_total": 1, "patients_stored": 14, "progress_percent": 60.9, "estimated_remaining": "1 second", "estimated_remaining_ms": 881}, "started_at": "2026-11-28T17:47:19.265", "completed_at": null, "error_details": null, "operation_type": "active_patients", "records_failed": 0, "organization_id": 123, "records_success": 14, "records_processed": 14}', '10'),
('123', '14', '2026-11-28 17:47:20.974078+00', 'progress', 'false', '1', '{"id": 1, "status": "running", "metadata": {"phase": "storing", "errors": ["Patient ID 1372611778970204356: Invalid phone number format"], "attempt": 1, "updated": 0, "archived": 0, "inserted": 19, "sync_type": "active_patients", "unchanged": 0, "total_pages": 5, "current_page": 4, "errors_total": 1, "patients_found": 23, "warnings_total": 2, "patients_stored": 19, "progress_percent": 87, "estimated_remaining": "1 second", "estimated_remaining_ms": 222}, "started_at": "2026-11-28T17:47:19.265", "completed_at": null, "error_details": null, "operation_type": "active_patients", "records_failed": 1, "organization_id": 123, "records_success": 19, "records_processed": 20}', '14'),
('123', '25', '2026-11-28 17:47:22.690365+00', 'progress', 'false', '3', '{"id": 3, "status": "running", "metadata": {"phase": "storing", "errors": [], "attempt": 1, "updated": 0, "archived": 0, "inserted": 0, "sync_type": "full_patients", "unchanged": 9, "total_pages": 5, "current_page": 2, "errors_total": 0, "patients_found": 24, "warnings_total": 1, "patients_stored": 9, "progress_percent": 37.5, "estimated_remaining": "2 seconds", "estimated_remaining_ms": 1711}, "started_at": "2026-11-28T17:47:21.548", "completed_at": null, "error_details": null, "operation_type": "full_patients", "records_failed": 0, "organization_id": 123, "records_success": 9, "records_processed": 9}', '25'),
('123', '11', '2026-11-28 17:47:20.890178+00', 'progress', 'false', '1', '{"id": 1, "status": "running", "metadata": {"phase": "storing", "errors": [], "attempt": 1, "updated": 0, "archived": 0, "inserted": 15, "sync_type": "active_patients", "unchanged": 0, "total_pages": 5, "current_page": 3, "errors_total": 0, "patients_found": 23, "warnings_total": 2, "patients_stored": 15, "progress_percent": 65.2, "estimated_remaining": "1 second", "estimated_remaining_ms": 748}, "started_at": "2026-11-28T17:47:19.265", "completed_at": null, "error_details": null, "operation_type": "active_patients", "records_failed": 0, "organization_id": 123, "records_success": 15, "records_processed": 15}', '11'),
('123', '15', '2026-11-28 17:47:20.985141+00', 'progress', 'false', '1', '{"id": 1, "status": "running", "metadata": {"phase": "storing", "errors": ["Patient ID 1372611778970204356: Invalid phone number format"], "attempt": 1, "updated": 0, "archived": 0, "inserted": 21, "sync_type": "active_patients", "unchanged": 0, "total_pages": 5, "current_page": 5, "errors_total": 1, "patients_found": 23, "warnings_total": 2, "patients_stored": 21, "progress_percent": 95.7, "estimated_remaining": "1 second", "estimated_remaining_ms": 68}, "started_at": "2026-11-28T17:47:19.265", "completed_at": null, "error_details": null, "operation_type": "active_patients", "records_failed": 1, "organization_id": 123, "records_success": 21, "records_processed": 22}', '15'),
('123', '17', '2026-11-28 17:47:21.14892+00', 'progress', 'false', '1', '{"id": 1, "status": "running", "metadata": {"phase": "finishing", "errors": ["Patient ID 1372611778970204356: Invalid phone number format"], "attempt": 1, "updated": 0, "archived": 0, "inserted": 22, "sync_type": "active_patients", "unchanged": 0, "total_pages": 5, "current_page": 5, "errors_total": 1, "patients_found": 23, "warnings_total": 2, "patients_stored": 22, "progress_percent": 99.9, "estimated_remaining": "0 seconds", "estimated_remaining_ms": 0}, "started_at": "2026-11-28T17:47:19.265", "completed_at": null, "error_details": null, "operation_type": "active_patients", "records_failed": 1, "organization_id": 123, "records_success": 22, "records_processed": 23}', '17'),
('123', '22', '2026-11-28 17:47:22.277448+00', 'progress', 'false', '3', '{"id": 3, "status": "running", "metadata": {"phase": "storing", "errors": [], "attempt": 1, "updated": 0, "archived": 0, "inserted": 0, "sync_type": "full_patients", "unchanged": 4, "total_pages": 5, "current_page": 1, "errors_total": 0, "patients_found": 24, "warnings_total": 1, "patients_stored": 4, "progress_percent": 16.7, "estimated_remaining": "4 seconds", "estimated_remaining_ms": 3048}, "started_at": "2026-11-28T17:47:21.548", "completed_at": null, "error_details": null, "operation_type": "full_patients", "records_failed": 0, "organization_id": 123, "records_success": 4, "records_processed": 4}', '22'),
('123', '12', '2026-11-28 17:47:20.915568+00', 'progress', 'false', '1', '{"id": 1, "status": "running", "metadata": {"phase": "storing", "errors": ["Patient ID 1372611778970204356: Invalid phone number format"], "attempt": 1, "updated": 0, "archived": 0, "inserted": 16, "sync_type": "active_patients", "unchanged": 0, "total_pages": 5, "current_page": 4, "errors_total": 1, "patients_found": 23, "warnings_total": 2, "patients_stored": 16, "progress_percent": 73.9, "estimated_remaining": "1 second", "estimated_remaining_ms": 503}, "started_at": "2026-11-28T17:47:19.265", "completed_at": null, "error_details": null, "operation_type": "active_patients", "records_failed": 1, "organization_id": 123, "records_success": 16, "records_processed": 17}', '12'),
('123', '16', '2026-11-28 17:47:21.014184+00', 'progress', 'false', '1', '{"id": 1, "status": "running", "metadata": {"phase": "storing", "errors": ["Patient ID 1372611778970204356: Invalid phone number format"], "attempt": 1, "updated": 0, "archived": 0, "inserted": 22, "sync_type": "active_patients", "unchanged": 0, "total_pages": 5, "current_page": 5, "errors_total": 1, "patients_found": 23, "warnings_total": 2, "patients_stored": 22, "progress_percent": 99.9, "estimated_remaining": "0 seconds", "estimated_remaining_ms": 0}, "started_at": "2026-11-28T17:47:19.265", "completed_at": null, "error_details": null, "operation_type": "active_patients", "records_failed": 1, "organization_id": 123, "records_success": 22, "records_processed": 23}', '16'),
('123', '18', '2026-11-28 17:47:21.202725+00', 'completed', 'false', '1', '{"id": 1, "status": "completed", "metadata": {"phase": "completed", "proof": {"seen": 23, "proven": true, "repairs": 0, "total_at_end": 23, "total_at_start": 23}, "errors": ["Patient ID 1372611778970204356: Invalid phone number format"], "attempt": 1, "updated": 0, "archived": 0, "inserted": 22, "forecasts": [{"at_percent": 10, "predicted_ms": 4267}, {"at_percent": 25, "predicted_ms": 3674}, {"at_percent": 50, "predicted_ms": 2457}, {"at_percent": 75, "predicted_ms": 1777}], "sync_type": "active_patients", "unchanged": 0, "duration_ms": 1905, "total_pages": 5, "current_page": 5, "errors_total": 1, "success_rate": 95.7, "patients_found": 23, "warnings_total": 2, "patients_stored": 22, "progress_percent": 100, "estimated_remaining": "0 seconds", "performance_metrics": {"api_requests": 7, "database_time": "1s", "api_fetch_time": "1s", "total_duration": "2s", "processing_time": "0s", "database_operations": 14, "patients_per_second": 12.1}, "estimated_remaining_ms": 0}, "started_at": "2026-11-28T17:47:19.265", "completed_at": "2026-11-28T17:47:21.202", "error_details": null, "operation_type": "active_patients", "records_failed": 1, "organization_id": 123, "records_success": 22, "records_processed": 23}', '18'),
('123', '19', '2026-11-28 17:47:21.549349+00', 'started', 'true', '3', '{"id": 3, "status": "running", "metadata": {"phase": "queued", "errors": [], "attempt": 0, "updated": 0, "archived": 0, "inserted": 0, "sync_type": "full_patients", "unchanged": 0, "total_pages": 0, "current_page": 0, "errors_total": 0, "patients_found": 0, "warnings_total": 0, "patients_stored": 0, "progress_percent": 0, "estimated_remaining": null, "estimated_remaining_ms": null}, "started_at": "2026-11-28T17:47:21.548", "completed_at": null, "error_details": null, "operation_type": "full_patients", "records_failed": 0, "organization_id": 123, "records_success": 0, "records_processed": 0}', '19'),
('123', '20', '2026-11-28 17:47:21.667479+00', 'progress', 'false', '3', '{"id": 3, "status": "running", "metadata": {"phase": "fetching", "errors": [], "attempt": 1, "updated": 0, "archived": 0, "inserted": 0, "sync_type": "full_patients", "unchanged": 0, "total_pages": 0, "current_page": 0, "errors_total": 0, "patients_found": 0, "warnings_total": 0, "patients_stored": 0, "progress_percent": 0, "estimated_remaining": null, "estimated_remaining_ms": null}, "started_at": "2026-11-28T17:47:21.548", "completed_at": null, "error_details": null, "operation_type": "full_patients", "records_failed": 0, "organization_id": 123, "records_success": 0, "records_processed": 0}', '20'),
('123', '21', '2026-11-28 17:47:22.256176+00', 'progress', 'false', '3', '{"id": 3, "status": "running", "metadata": {"phase": "storing", "errors": [], "attempt": 1, "updated": 0, "archived": 0, "inserted": 0, "sync_type": "full_patients", "unchanged": 2, "total_pages": 5, "current_page": 1, "errors_total": 0, "patients_found": 24, "warnings_total": 1, "patients_stored": 2, "progress_percent": 8.3, "estimated_remaining": "7 seconds", "estimated_remaining_ms": 6347}, "started_at": "2026-11-28T17:47:21.548", "completed_at": null, "error_details": null, "operation_type": "full_patients", "records_failed": 0, "organization_id": 123, "records_success": 2, "records_processed": 2}', '21'),
('123', '26', '2026-11-28 17:47:22.707017+00', 'progress', 'false', '3', '{"id": 3, "status": "running", "metadata": {"phase": "storing", "errors": [], "attempt": 1, "updated": 0, "archived": 0, "inserted": 0, "sync_type": "full_patients", "unchanged": 10, "total_pages": 5, "current_page": 2, "errors_total": 0, "patients_found": 24, "warnings_total": 1, "patients_stored": 10, "progress_percent": 41.7, "estimated_remaining": "2 seconds", "estimated_remaining_ms": 1464}, "started_at": "2026-11-28T17:47:21.548", "completed_at": null, "error_details": null, "operation_type": "full_patients", "records_failed": 0, "organization_id": 123, "records_success": 10, "records_processed": 10}', '26'),
('123', '13', '2026-11-28 17:47:20.961545+00', 'progress', 'false', '1', '{"id": 1, "status": "running", "metadata": {"phase": "storing", "errors": ["Patient ID 1372611778970204356: Invalid phone number format"], "attempt": 1, "updated": 0, "archived": 0, "inserted": 18, "sync_type": "active_patients", "unchanged": 0, "total_pages": 5, "current_page": 4, "errors_total": 1, "patients_found": 23, "warnings_total": 2, "patients_stored": 18, "progress_percent": 82.6, "estimated_remaining": "1 second", "estimated_remaining_ms": 309}, "started_at": "2026-11-28T17:47:19.265", "completed_at": null, "error_details": null, "operation_type": "active_patients", "records_failed": 1, "organization_id": 123, "records_success": 18, "records_processed": 19}', '13'),
('123', '1', '2026-11-28 17:47:19.286352+00', 'started', 'true', '1', '{"id": 1, "status": "running", "metadata": {"phase": "queued", "errors": [], "attempt": 0, "updated": 0, "archived": 0, "inserted": 0, "sync_type": "active_patients", "unchanged": 0, "total_pages": 0, "current_page": 0, "errors_total": 0, "patients_found": 0, "warnings_total": 0, "patients_stored": 0, "progress_percent": 0, "estimated_remaining": null, "estimated_remaining_ms": null}, "started_at": "2026-11-28T17:47:19.265", "completed_at": null, "error_details": null, "operation_type": "active_patients", "records_failed": 0, "organization_id": 123, "records_success": 0, "records_processed": 0}', '1'),
('123', '23', '2026-11-28 17:47:22.299908+00', 'progress', 'false', '3', '{"id": 3, "status": "running", "metadata": {"phase": "storing", "errors": [], "attempt": 1, "updated": 0, "archived": 0, "inserted": 0, "sync_type": "full_patients", "unchanged": 5, "total_pages": 5, "current_page": 1, "errors_total": 0, "patients_found": 24, "warnings_total": 1, "patients_stored": 5, "progress_percent": 20.8, "estimated_remaining": "3 seconds", "estimated_remaining_ms": 2393}, "started_at": "2026-11-28T17:47:21.548", "completed_at": null, "error_details": null, "operation_type": "full_patients", "records_failed": 0, "organization_id": 123, "records_success": 5, "records_processed": 5}', '23'),
('124', '1', '2026-11-28 17:47:21.306045+00', 'completed', 'true', '2', '{"id": 2, "status": "completed", "metadata": {}, "started_at": "2026-11-28T17:47:21.267438", "completed_at": "2026-11-28T17:47:21.267438", "error_details": null, "operation_type": "full_patients", "records_failed": 0, "organization_id": 124, "records_success": 0, "records_processed": 3}', '1');
DELETE FROM sync_eras;
INSERT INTO sync_eras ("era") VALUES
('be4c3db5-8ab8-4abe-99b5-f87e094536f7');
INSERT INTO request_budgets ("key_hash", "paused_until") VALUES
('30d4f5977085c87b5e91273058d619dd', NULL);
INSERT INTO request_reservations ("key_hash", "at", "requests") VALUES
('30d4f5977085c87b5e91273058d619dd', '2026-11-28 17:47:19.745999+00', '1'),
('30d4f5977085c87b5e91273058d619dd', '2026-11-28 17:47:20.103858+00', '1'),
('30d4f5977085c87b5e91273058d619dd', '2026-11-28 17:47:20.252858+00', '1'),
('30d4f5977085c87b5e91273058d619dd', '2026-11-28 17:47:20.641005+00', '1'),
('30d4f5977085c87b5e91273058d619dd', '2026-11-28 17:47:20.789924+00', '1'),
('30d4f5977085c87b5e91273058d619dd', '2026-11-28 17:47:21.041469+00', '2'),
('30d4f5977085c87b5e91273058d619dd', '2026-11-28 17:47:21.766321+00', '1'),
('30d4f5977085c87b5e91273058d619dd', '2026-11-28 17:47:22.189091+00', '1'),
('30d4f5977085c87b5e91273058d619dd', '2026-11-28 17:47:22.633136+00', '1');
INSERT INTO audit_log ("id", "at", "organization_id", "actor", "action", "details", "request_id") OVERRIDING SYSTEM VALUE VALUES
('1', '2026-11-28 17:47:18.939903+00', '123', 'anyone', 'organization.change', '{}', '16ff3a11-5792-4a51-963f-8fa74dee09e2'),
('2', '2026-11-28 17:47:19.117043+00', '123', 'anyone', 'webhook.create', '{"webhook_id": 1}', 'c57a2ef1-09b5-4304-b90c-6f95b335f349'),
('3', '2026-11-28 17:47:19.453275+00', '123', 'anyone', 'sync.start', '{"outcome": "started", "sync_log_id": 1}', '81dfe958-9755-4acd-a212-da8b31bc2eac'),
('4', '2026-11-28 17:47:21.432531+00', NULL, 'command line', 'token.create', '{"scope": "sync", "token_id": 1}', NULL),
('5', '2026-11-28 17:47:21.643423+00', '123', 'anyone', 'sync.start', '{"outcome": "started", "sync_log_id": 3}', '8eb2f1a2-546b-4bf8-a3ee-a3fa3c1f3e9d');
INSERT INTO api_tokens ("id", "name", "token_hash", "scope", "organizations", "created_at", "expires_at", "revoked_at") OVERRIDING SYSTEM VALUE VALUES
('1', 'Reception', '5997fd5711244cafcfde2530ff7c3205254abe8497d2e247de4945b3ea014198', 'sync', '{123}', '2026-11-28 17:47:21.432531+00', '2036-11-25 17:47:21.432531+00', NULL);
INSERT INTO idempotency_keys ("key_hash", "request_hash", "status", "content_type", "body", "created_at") VALUES
('77943738f3f44dc3560efbd3767e2ab8b89c68cb71db47ef98f68fec83bd4148', '48c10ceedfcb6455cbe461371c7c2e782faa4767feb1358d21ed45913e22ce56', '202', 'application/json', '{"sync_log_id":1,"organization_id":123,"operation_type":"active_patients","status":"running","already_running":false,"log":{"id":1,"organization_id":123,"operation_type":"active_patients","status":"running","started_at":"2026-11-28T17:47:19.265Z","completed_at":null,"records_processed":0,"records_success":0,"records_failed":0,"error_details":null,"cursor":"ecf077c2b65d.1","metadata":{"phase": "queued", "errors": [], "attempt": 0, "updated": 0, "archived": 0, "inserted": 0, "sync_type": "active_patients", "unchanged": 0, "total_pages": 0, "current_page": 0, "errors_total": 0, "patients_found": 0, "warnings_total": 0, "patients_stored": 0, "progress_percent": 0, "estimated_remaining": null, "estimated_remaining_ms": null}}}', '2026-11-28 17:47:19.199691+00');
INSERT INTO webhook_endpoints ("id", "organization_id", "url", "sealed_secret", "events", "created_at", "disabled_at") OVERRIDING SYSTEM VALUE VALUES
('1', '123', 'http://127.0.0.1:9/hooks', 'v1.S7Bvjk46.lLjgiDPurt6vSFA7.CyYbQHpZPrsqpK-zJetlPfBwHOHXoGANE7Cb9Nn2QWLbgtdbUJGv_HGrMD588AHOSCE.7bj2FjngXijdkVyMQ5V1-Q', '{sync.completed,sync.failed,sync.held}', '2026-11-28 17:47:19.117043+00', NULL);
INSERT INTO webhook_deliveries ("id", "endpoint_id", "organization_id", "message_id", "event", "sync_log_id", "body", "state", "attempts", "next_attempt_at", "last_status", "last_error", "created_at", "delivered_at") OVERRIDING SYSTEM VALUE VALUES
('1', '1', '123', 'msg_cb6da7575df94f2b858922b56001f2ca', 'sync.completed', '1', '{"data": {"status": "completed", "error_type": null, "started_at": "2026-11-28T17:47:19.265Z", "sync_log_id": 1, "completed_at": "2026-11-28T17:47:21.202Z", "missing_held": 0, "operation_type": "active_patients", "records_failed": 1, "organization_id": 123, "records_success": 22, "records_processed": 23}, "type": "sync.completed", "timestamp": "2026-11-28T17:47:21.221Z"}', 'pending', '1', '2026-11-28 17:47:26.895413+00', NULL, 'No connection.', '2026-11-28 17:47:21.175186+00', NULL);
ALTER TABLE sync_logs ENABLE TRIGGER USER;
