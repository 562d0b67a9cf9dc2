-- Up to which change of its patients an endpoint was sent the changes of an organization (src/webhooks/change-messages.ts).
CREATE TABLE "webhook_change_positions" (
	"endpoint_id" integer NOT NULL,
	"organization_id" integer NOT NULL,
	"epoch" text NOT NULL,
	"seq" bigint NOT NULL,
	CONSTRAINT "webhook_change_positions_endpoint_id_organization_id_pk" PRIMARY KEY("endpoint_id","organization_id")
);
--> statement-breakpoint
ALTER TABLE "webhook_change_positions" ADD CONSTRAINT "webhook_change_positions_endpoint_id_webhook_endpoints_id_fk" FOREIGN KEY ("endpoint_id") REFERENCES "public"."webhook_endpoints"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "webhook_deliveries_changes" ON "webhook_deliveries" USING btree ("endpoint_id","organization_id") WHERE state = 'pending' and event = 'patients.changed';
--> statement-breakpoint
-- An endpoint that names patients.changed already is sent what changes from now on.
INSERT INTO webhook_change_positions (endpoint_id, organization_id, epoch, seq)
SELECT endpoint.id, stream.organization_id, sync_epoch(), stream.head
FROM webhook_endpoints AS endpoint JOIN patient_change_streams AS stream
  ON endpoint.organization_id = stream.organization_id OR endpoint.organizations @> ARRAY[stream.organization_id]
  OR endpoint.organization_id IS NULL AND endpoint.organizations IS NULL
WHERE endpoint.kind = 'standard' AND 'patients.changed' = ANY (endpoint.events);
--> statement-breakpoint
COMMENT ON TABLE webhook_change_positions IS 'Up to which change of its patients an endpoint was sent the changes of a clinic.';
--> statement-breakpoint
COMMENT ON COLUMN webhook_change_positions.endpoint_id IS 'The endpoint: webhook_endpoints.id.';
--> statement-breakpoint
COMMENT ON COLUMN webhook_change_positions.organization_id IS 'The clinic: organizations.id.';
--> statement-breakpoint
COMMENT ON COLUMN webhook_change_positions.epoch IS 'Epoch of the history that the number belongs to.';
--> statement-breakpoint
COMMENT ON COLUMN webhook_change_positions.seq IS 'Number of the last change that is part of a message.';
