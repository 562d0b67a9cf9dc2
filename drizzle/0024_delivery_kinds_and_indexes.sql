-- A dashboard counts the archived, the missing and those with a data warning at each load, and the ops console reads the runs of the last
-- hours: both from indexes alone. While an index is built, writers of its table wait.
CREATE INDEX "patients_archived" ON "patients" USING btree ("organization_id") WHERE archived_at is not null and missing_since is null;--> statement-breakpoint
CREATE INDEX "patients_missing_ids" ON "patients" USING btree ("organization_id","cliniko_patient_id") WHERE missing_since is not null;--> statement-breakpoint
CREATE INDEX "patients_field_warnings" ON "patients" USING btree ("organization_id","cliniko_patient_id") WHERE warnings > (email is null)::int and missing_since is null and merged_into is null;--> statement-breakpoint
CREATE INDEX "patients_email_warnings" ON "patients" USING btree ("organization_id","cliniko_patient_id") WHERE warnings > 0 and email is null and missing_since is null and merged_into is null;--> statement-breakpoint
CREATE INDEX "sync_logs_recent" ON "sync_logs" ("started_at", "id");
--> statement-breakpoint
-- For which kind of endpoint a message is, and what a message for people is made of: the endpoint may change its kind. A server of the
-- version before leaves both columns alone, and sends the bodies as before.
ALTER TABLE "webhook_deliveries" ADD COLUMN "kind" text;--> statement-breakpoint
ALTER TABLE "webhook_deliveries" ADD COLUMN "summary" jsonb;--> statement-breakpoint
COMMENT ON COLUMN webhook_deliveries.kind IS 'The kind of endpoint that the body is for; null: a server of an earlier version wrote the row, for the kind that the endpoint had.';--> statement-breakpoint
COMMENT ON COLUMN webhook_deliveries.summary IS 'The lines and links that a body for people is made of: names of clinics, counts and fixed words; null in other rows.';
--> statement-breakpoint
-- As in 0018, and what goes to a program at once is marked as such.
CREATE OR REPLACE FUNCTION webhook_enqueue(of_organization integer, event_name text, of_log integer, message text, cliniko_status integer DEFAULT NULL)
RETURNS void LANGUAGE sql AS $$
  WITH wanted AS MATERIALIZED (
    SELECT id, kind = 'standard' AND (event_name = 'patients.changed' OR quiet_hours IS NULL AND NOT digest) AS at_once
    FROM webhook_endpoints
    WHERE (organization_id = of_organization OR organizations @> ARRAY[of_organization]
        OR organization_id IS NULL AND organizations IS NULL)
      AND disabled_at IS NULL AND event_name = ANY (events) AND (kind = 'standard' OR event_name <> 'patients.changed')
    ORDER BY id FOR KEY SHARE
  ), sent AS (
    INSERT INTO webhook_deliveries (endpoint_id, organization_id, message_id, event, sync_log_id, body, kind)
    SELECT id, of_organization, 'msg_' || replace(gen_random_uuid()::text, '-', ''), event_name, of_log, message, 'standard'
    FROM wanted WHERE at_once
  )
  INSERT INTO webhook_notices (endpoint_id, organization_id, event, sync_log_id, body, http_status)
  SELECT id, of_organization, event_name, of_log, message, cliniko_status FROM wanted WHERE NOT at_once
$$;
