-- As in 0012, and an endpoint that is being deleted is waited for and left out: with it the event could not be stored, and the run
-- that ends would be recorded as failed. In the order of ids, as every transaction that locks several.
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
    INSERT INTO webhook_deliveries (endpoint_id, organization_id, message_id, event, sync_log_id, body)
    SELECT id, of_organization, 'msg_' || replace(gen_random_uuid()::text, '-', ''), event_name, of_log, message
    FROM wanted WHERE at_once
  )
  INSERT INTO webhook_notices (endpoint_id, organization_id, event, sync_log_id, body, http_status)
  SELECT id, of_organization, event_name, of_log, message, cliniko_status FROM wanted WHERE NOT at_once
$$;
