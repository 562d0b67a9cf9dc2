-- As the parser of records (src/cliniko/wire.ts): a link may have parameters, and a text of blanks, such as a line break in an address,
-- is empty.
CREATE OR REPLACE VIEW patient_details WITH (security_barrier = true) AS
SELECT organization_id, cliniko_patient_id,
  CASE WHEN missing_since IS NOT NULL THEN 'missing' WHEN merged_into IS NOT NULL THEN 'merged'
    WHEN archived_at IS NOT NULL THEN 'archived' ELSE 'active' END AS patient_state,
  nullif(btrim(raw ->> 'title', E' \t\n\x0b\f\r\u00a0'), '') AS title,
  nullif(btrim(raw ->> 'preferred_first_name', E' \t\n\x0b\f\r\u00a0'), '') AS preferred_first_name,
  nullif(btrim(raw ->> 'sex', E' \t\n\x0b\f\r\u00a0'), '') AS sex,
  nullif(btrim(raw ->> 'gender_identity', E' \t\n\x0b\f\r\u00a0'), '') AS gender_identity,
  nullif(btrim(raw ->> 'occupation', E' \t\n\x0b\f\r\u00a0'), '') AS occupation,
  CASE jsonb_typeof(raw -> 'patient_phone_numbers') WHEN 'array' THEN raw -> 'patient_phone_numbers' ELSE '[]' END AS phones,
  nullif(btrim(raw ->> 'address_1', E' \t\n\x0b\f\r\u00a0'), '') AS address_1,
  nullif(btrim(raw ->> 'address_2', E' \t\n\x0b\f\r\u00a0'), '') AS address_2,
  nullif(btrim(raw ->> 'address_3', E' \t\n\x0b\f\r\u00a0'), '') AS address_3,
  nullif(btrim(raw ->> 'city', E' \t\n\x0b\f\r\u00a0'), '') AS city,
  nullif(btrim(raw ->> 'state', E' \t\n\x0b\f\r\u00a0'), '') AS state,
  nullif(btrim(raw ->> 'post_code', E' \t\n\x0b\f\r\u00a0'), '') AS post_code,
  nullif(btrim(raw ->> 'country', E' \t\n\x0b\f\r\u00a0'), '') AS country,
  nullif(btrim(raw ->> 'country_code', E' \t\n\x0b\f\r\u00a0'), '') AS country_code,
  nullif(btrim(raw ->> 'time_zone', E' \t\n\x0b\f\r\u00a0'), '') AS time_zone,
  CASE raw -> 'accepted_privacy_policy' WHEN 'true' THEN true WHEN 'false' THEN false END AS accepted_privacy_policy,
  CASE raw -> 'accepted_email_marketing' WHEN 'true' THEN true WHEN 'false' THEN false END AS accepted_email_marketing,
  CASE raw -> 'accepted_sms_marketing' WHEN 'true' THEN true WHEN 'false' THEN false END AS accepted_sms_marketing,
  nullif(btrim(raw ->> 'reminder_type', E' \t\n\x0b\f\r\u00a0'), '') AS reminder_type,
  nullif(btrim(raw ->> 'referral_source', E' \t\n\x0b\f\r\u00a0'), '') AS referral_source,
  substring(raw #>> '{referring_doctor,links,self}' FROM '/contacts/([0-9]{1,19})/?(?:[?].*)?$') AS referring_doctor_id,
  substring(raw #>> '{concession_type,links,self}' FROM '/concession_types/([0-9]{1,19})/?(?:[?].*)?$') AS concession_type_id,
  changed_at
FROM patients WHERE organization_id = ANY ((SELECT sync_visible_organizations())::integer[]);
--> statement-breakpoint
CREATE OR REPLACE VIEW patient_identifiers WITH (security_barrier = true) AS
SELECT organization_id, cliniko_patient_id,
  nullif(btrim(raw ->> 'medicare', E' \t\n\x0b\f\r\u00a0'), '') AS medicare,
  nullif(btrim(raw ->> 'medicare_reference_number', E' \t\n\x0b\f\r\u00a0'), '') AS medicare_reference_number,
  nullif(btrim(raw ->> 'dva_card_number', E' \t\n\x0b\f\r\u00a0'), '') AS dva_card_number,
  changed_at
FROM patients WHERE organization_id = ANY ((SELECT sync_visible_organizations())::integer[]);
