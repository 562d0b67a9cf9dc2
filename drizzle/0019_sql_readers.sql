-- Logins that only read, each some organizations, and two views for analysts. drizzle-kit generated the table. A server of the
-- version before uses none of it.
CREATE TABLE "sql_readers" (
	"role_name" text PRIMARY KEY NOT NULL,
	"role_oid" "oid" NOT NULL,
	"organizations" integer[] NOT NULL,
	"raw" boolean NOT NULL,
	"identifiers" boolean NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"expires_at" timestamp with time zone NOT NULL
);
--> statement-breakpoint
-- The policy of a table that SQL readers may read calls this, once per statement. Null: not an SQL reader, or an expired one.
--
-- SECURITY DEFINER: a reader has no right on the table. With the OID: after a restore in another cluster, a role that happens to
-- have the name of a reader sees nothing.
CREATE FUNCTION sync_sql_reader_organizations(reader name) RETURNS integer[] LANGUAGE sql STABLE
SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT organizations FROM sql_readers
  WHERE role_name = reader AND role_oid = (SELECT oid FROM pg_roles WHERE rolname = reader) AND expires_at > now()
$$;
--> statement-breakpoint
-- The organizations whose rows the caller sees. With the rights of the caller: row-level security decides.
CREATE FUNCTION sync_visible_organizations() RETURNS integer[] LANGUAGE sql STABLE
RETURN (SELECT array_agg(id) FROM organizations);
--> statement-breakpoint
-- Fields of `raw` that are asked for often, each with null for an empty text. Computed when read: a stored column would cost every
-- sync, and its first creation would rewrite the table (decision 123).
--
-- The view reads with the rights of its owner, so that a reader without the right on `raw` can use it. Its condition is that of the
-- policy of `organizations`.
CREATE VIEW patient_details WITH (security_barrier = true) AS
SELECT organization_id, cliniko_patient_id,
  CASE WHEN missing_since IS NOT NULL THEN 'missing' WHEN merged_into IS NOT NULL THEN 'merged'
    WHEN archived_at IS NOT NULL THEN 'archived' ELSE 'active' END AS patient_state,
  nullif(btrim(raw ->> 'title'), '') AS title,
  nullif(btrim(raw ->> 'preferred_first_name'), '') AS preferred_first_name,
  nullif(btrim(raw ->> 'sex'), '') AS sex,
  nullif(btrim(raw ->> 'gender_identity'), '') AS gender_identity,
  nullif(btrim(raw ->> 'occupation'), '') AS occupation,
  CASE jsonb_typeof(raw -> 'patient_phone_numbers') WHEN 'array' THEN raw -> 'patient_phone_numbers' ELSE '[]' END AS phones,
  nullif(btrim(raw ->> 'address_1'), '') AS address_1,
  nullif(btrim(raw ->> 'address_2'), '') AS address_2,
  nullif(btrim(raw ->> 'address_3'), '') AS address_3,
  nullif(btrim(raw ->> 'city'), '') AS city,
  nullif(btrim(raw ->> 'state'), '') AS state,
  nullif(btrim(raw ->> 'post_code'), '') AS post_code,
  nullif(btrim(raw ->> 'country'), '') AS country,
  nullif(btrim(raw ->> 'country_code'), '') AS country_code,
  nullif(btrim(raw ->> 'time_zone'), '') AS time_zone,
  CASE raw -> 'accepted_privacy_policy' WHEN 'true' THEN true WHEN 'false' THEN false END AS accepted_privacy_policy,
  CASE raw -> 'accepted_email_marketing' WHEN 'true' THEN true WHEN 'false' THEN false END AS accepted_email_marketing,
  CASE raw -> 'accepted_sms_marketing' WHEN 'true' THEN true WHEN 'false' THEN false END AS accepted_sms_marketing,
  nullif(btrim(raw ->> 'reminder_type'), '') AS reminder_type,
  nullif(btrim(raw ->> 'referral_source'), '') AS referral_source,
  substring(raw #>> '{referring_doctor,links,self}' FROM '/contacts/([0-9]{1,19})$') AS referring_doctor_id,
  substring(raw #>> '{concession_type,links,self}' FROM '/concession_types/([0-9]{1,19})$') AS concession_type_id,
  changed_at
FROM patients WHERE organization_id = ANY ((SELECT sync_visible_organizations())::integer[]);
--> statement-breakpoint
-- Apart: only a reader that was created with this right reads them.
CREATE VIEW patient_identifiers WITH (security_barrier = true) AS
SELECT organization_id, cliniko_patient_id,
  nullif(btrim(raw ->> 'medicare'), '') AS medicare,
  nullif(btrim(raw ->> 'medicare_reference_number'), '') AS medicare_reference_number,
  nullif(btrim(raw ->> 'dva_card_number'), '') AS dva_card_number,
  changed_at
FROM patients WHERE organization_id = ANY ((SELECT sync_visible_organizations())::integer[]);
