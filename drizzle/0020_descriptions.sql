-- A description of each table, view and column, for people and for tools that read the catalog. docs/guides/data.md shows those of the
-- tables for analysts. Later tables and columns bring theirs in their own migration: test/database/descriptions.test.ts names what
-- has none.
COMMENT ON TABLE patients IS 'The patients of all clinics, one row each: also archived, merged and missing ones. Every change gives the row a new changed_at.';
COMMENT ON COLUMN patients.id IS 'Number of the row. It is not the Cliniko id, and an erased patient that comes back gets another one.';
COMMENT ON COLUMN patients.organization_id IS 'The clinic: organizations.id.';
COMMENT ON COLUMN patients.cliniko_patient_id IS 'The id in Cliniko: up to 19 digits, as text. Unique within the organization.';
COMMENT ON COLUMN patients.first_name IS 'First name, as in Cliniko; null when empty.';
COMMENT ON COLUMN patients.last_name IS 'Last name, as in Cliniko; null when empty.';
COMMENT ON COLUMN patients.email IS 'Email address, as in Cliniko; null when empty.';
COMMENT ON COLUMN patients.phone IS 'The first valid phone number, in the form +61491570156 (E.164); all numbers are in patient_details.phones.';
COMMENT ON COLUMN patients.date_of_birth IS 'Date of birth; null when empty or not a date.';
COMMENT ON COLUMN patients.archived_at IS 'When the clinic archived the patient, by the clock of Cliniko; null: not archived.';
COMMENT ON COLUMN patients.merged_into IS 'The Cliniko id of the patient that this duplicate was merged into, at the end of a chain; null: not merged.';
COMMENT ON COLUMN patients.missing_since IS 'When a complete sync first did not find the patient in Cliniko, or when a person confirmed that; null: present.';
COMMENT ON COLUMN patients.held_since IS 'When a sync did not find this patient and so many others that a person has to confirm it first; null: not held.';
COMMENT ON COLUMN patients.created_at IS 'When the record was created in Cliniko, by the clock of Cliniko.';
COMMENT ON COLUMN patients.updated_at IS 'When the record was last changed in Cliniko, by the clock of Cliniko. Not for incremental copies: use changed_at.';
COMMENT ON COLUMN patients.raw IS 'The record as Cliniko sent it, as JSON. Ids in it may have more digits than a double can represent.';
COMMENT ON COLUMN patients.content_hash IS 'Hash of raw and of the parsing rules: an equal hash means an unchanged record.';
COMMENT ON COLUMN patients.warnings IS 'Number of data-quality warnings of this version of the record, such as an invalid phone number.';
COMMENT ON COLUMN patients.stored_at IS 'When a sync last stored a version of the record.';
COMMENT ON COLUMN patients.changed_at IS 'When this row last changed in any way. Within an organization it grows in the order of commits and no two rows share a value, so a copy reads what is greater than the greatest value that it has.';
--> statement-breakpoint
COMMENT ON VIEW patients_current IS 'The patients that a clinic has now: not missing and not merged. Archived ones are included.';
COMMENT ON COLUMN patients_current.id IS 'Number of the row. It is not the Cliniko id, and an erased patient that comes back gets another one.';
COMMENT ON COLUMN patients_current.organization_id IS 'The clinic: organizations.id.';
COMMENT ON COLUMN patients_current.cliniko_patient_id IS 'The id in Cliniko: up to 19 digits, as text. Unique within the organization.';
COMMENT ON COLUMN patients_current.first_name IS 'First name, as in Cliniko; null when empty.';
COMMENT ON COLUMN patients_current.last_name IS 'Last name, as in Cliniko; null when empty.';
COMMENT ON COLUMN patients_current.email IS 'Email address, as in Cliniko; null when empty.';
COMMENT ON COLUMN patients_current.phone IS 'The first valid phone number, in the form +61491570156 (E.164); all numbers are in patient_details.phones.';
COMMENT ON COLUMN patients_current.date_of_birth IS 'Date of birth; null when empty or not a date.';
COMMENT ON COLUMN patients_current.archived_at IS 'When the clinic archived the patient, by the clock of Cliniko; null: not archived.';
COMMENT ON COLUMN patients_current.held_since IS 'When a sync did not find this patient and so many others that a person has to confirm it first; null: not held.';
COMMENT ON COLUMN patients_current.created_at IS 'When the record was created in Cliniko, by the clock of Cliniko.';
COMMENT ON COLUMN patients_current.updated_at IS 'When the record was last changed in Cliniko, by the clock of Cliniko. Not for incremental copies: use changed_at.';
COMMENT ON COLUMN patients_current.warnings IS 'Number of data-quality warnings of this version of the record, such as an invalid phone number.';
COMMENT ON COLUMN patients_current.stored_at IS 'When a sync last stored a version of the record.';
COMMENT ON COLUMN patients_current.changed_at IS 'When this row last changed in any way. Within an organization it grows in the order of commits and no two rows share a value, so a copy reads what is greater than the greatest value that it has.';
--> statement-breakpoint
COMMENT ON VIEW patient_details IS 'Fields of patients.raw that are asked for often, one row for each row of patients of a registered organization. An empty text is null.';
COMMENT ON COLUMN patient_details.organization_id IS 'The clinic: organizations.id.';
COMMENT ON COLUMN patient_details.cliniko_patient_id IS 'The id in Cliniko, as in patients.';
COMMENT ON COLUMN patient_details.patient_state IS 'missing, merged, archived or active: the first of these words that applies.';
COMMENT ON COLUMN patient_details.title IS 'Title, such as Ms or Dr.';
COMMENT ON COLUMN patient_details.preferred_first_name IS 'The first name that the patient prefers.';
COMMENT ON COLUMN patient_details.sex IS 'Sex, as the clinic wrote it.';
COMMENT ON COLUMN patient_details.gender_identity IS 'Gender identity, as the clinic wrote it.';
COMMENT ON COLUMN patient_details.occupation IS 'Occupation.';
COMMENT ON COLUMN patient_details.phones IS 'All phone numbers: an array of objects with number, phone_type and normalized_number, as Cliniko sends them.';
COMMENT ON COLUMN patient_details.address_1 IS 'First line of the address.';
COMMENT ON COLUMN patient_details.address_2 IS 'Second line of the address.';
COMMENT ON COLUMN patient_details.address_3 IS 'Third line of the address.';
COMMENT ON COLUMN patient_details.city IS 'City or suburb.';
COMMENT ON COLUMN patient_details.state IS 'State or region of the address.';
COMMENT ON COLUMN patient_details.post_code IS 'Post code, as text.';
COMMENT ON COLUMN patient_details.country IS 'Country, as a name.';
COMMENT ON COLUMN patient_details.country_code IS 'Country, as two letters (ISO 3166-1).';
COMMENT ON COLUMN patient_details.time_zone IS 'Time zone of the patient (IANA name).';
COMMENT ON COLUMN patient_details.accepted_privacy_policy IS 'Whether the patient accepted the privacy policy; null: not answered.';
COMMENT ON COLUMN patient_details.accepted_email_marketing IS 'Whether the patient accepts marketing by email; null: not answered.';
COMMENT ON COLUMN patient_details.accepted_sms_marketing IS 'Whether the patient accepts marketing by SMS; null: not answered.';
COMMENT ON COLUMN patient_details.reminder_type IS 'How the patient is reminded: None, SMS, Email, or SMS & Email.';
COMMENT ON COLUMN patient_details.referral_source IS 'Where the patient heard of the clinic.';
COMMENT ON COLUMN patient_details.referring_doctor_id IS 'The Cliniko id of the contact that referred the patient.';
COMMENT ON COLUMN patient_details.concession_type_id IS 'The Cliniko id of the concession type.';
COMMENT ON COLUMN patient_details.changed_at IS 'As patients.changed_at.';
--> statement-breakpoint
COMMENT ON VIEW patient_identifiers IS 'Numbers of government schemes, from patients.raw. Only readers that were created with this right read the view.';
COMMENT ON COLUMN patient_identifiers.organization_id IS 'The clinic: organizations.id.';
COMMENT ON COLUMN patient_identifiers.cliniko_patient_id IS 'The id in Cliniko, as in patients.';
COMMENT ON COLUMN patient_identifiers.medicare IS 'Medicare card number.';
COMMENT ON COLUMN patient_identifiers.medicare_reference_number IS 'Position on the Medicare card.';
COMMENT ON COLUMN patient_identifiers.dva_card_number IS 'Number of the card of the Department of Veterans'' Affairs.';
COMMENT ON COLUMN patient_identifiers.changed_at IS 'As patients.changed_at.';
--> statement-breakpoint
COMMENT ON TABLE organizations IS 'The clinics, with their settings and the state of their schedules.';
COMMENT ON COLUMN organizations.id IS 'Number of the clinic, chosen by the operator.';
COMMENT ON COLUMN organizations.name IS 'Name of the clinic.';
COMMENT ON COLUMN organizations.country IS 'Country of the clinic (ISO 3166-1), for phone numbers without a country.';
COMMENT ON COLUMN organizations.time_zone IS 'Time zone of the clinic (IANA name).';
COMMENT ON COLUMN organizations.schedule IS 'The schedules, as JSON; null: no schedule.';
COMMENT ON COLUMN organizations.next_sync_at IS 'When a schedule starts the next sync; null: never, or paused.';
COMMENT ON COLUMN organizations.validation IS 'Which records are rejected: the rules for phone and email, as JSON.';
COMMENT ON COLUMN organizations.created_at IS 'When the organization was registered.';
COMMENT ON COLUMN organizations.updated_at IS 'When its settings last changed.';
COMMENT ON COLUMN organizations.firings IS 'The next firing of each schedule, in the order of schedule.';
COMMENT ON COLUMN organizations.longest_interval_s IS 'The longest time between two firings, in seconds; null: not computed yet.';
COMMENT ON COLUMN organizations.scheduled_since IS 'Since when the organization has this schedule.';
COMMENT ON COLUMN organizations.missed_at IS 'When a firing was due that started late, because no server ran.';
COMMENT ON COLUMN organizations.paused_at IS 'Since when the schedule is paused; null: not paused.';
COMMENT ON COLUMN organizations.paused_reason IS 'Why the schedule is paused.';
COMMENT ON COLUMN organizations.paused_by IS 'person, or key: the server paused it because Cliniko refuses the key.';
COMMENT ON COLUMN organizations.key_refusals IS 'Scheduled runs in a row for which Cliniko refused the key.';
COMMENT ON COLUMN organizations.retry_at IS 'When a failed scheduled run is tried again; null: no attempt is planned.';
COMMENT ON COLUMN organizations.retry_of IS 'The failed run: sync_logs.id.';
COMMENT ON COLUMN organizations.retry_type IS 'The type of the second attempt.';
COMMENT ON COLUMN organizations.retry_attempt IS 'Number of the planned or newest second attempt; 0 after a success.';
COMMENT ON COLUMN organizations.overdue_sent_at IS 'When the notification sync.overdue was sent; null: not overdue.';
--> statement-breakpoint
COMMENT ON TABLE sync_logs IS 'Every sync, one row each, without patient data. Other programs may write it too. Times are UTC without a time zone.';
COMMENT ON COLUMN sync_logs.id IS 'Number of the sync.';
COMMENT ON COLUMN sync_logs.organization_id IS 'The clinic: organizations.id.';
COMMENT ON COLUMN sync_logs.operation_type IS 'full_patients, active_patients or changed_patients; another program may write other types.';
COMMENT ON COLUMN sync_logs.status IS 'running, completed or failed; another program may write other words.';
COMMENT ON COLUMN sync_logs.started_at IS 'When the sync was started, in UTC.';
COMMENT ON COLUMN sync_logs.completed_at IS 'When the sync ended, in UTC; null while it runs.';
COMMENT ON COLUMN sync_logs.records_processed IS 'Patients that were processed: stored or rejected.';
COMMENT ON COLUMN sync_logs.records_success IS 'Patients that were stored, or unchanged.';
COMMENT ON COLUMN sync_logs.records_failed IS 'Patients that could not be stored: they are in quarantine.';
COMMENT ON COLUMN sync_logs.metadata IS 'Progress and result, as JSON: phase, counts, errors by patient id, proof of completeness.';
COMMENT ON COLUMN sync_logs.error_details IS 'Why a failed sync failed, in one sentence.';
--> statement-breakpoint
COMMENT ON TABLE quarantine IS 'Records of Cliniko that could not be stored, sealed. A row is removed when its patient is stored.';
COMMENT ON COLUMN quarantine.id IS 'Number of the row.';
COMMENT ON COLUMN quarantine.organization_id IS 'The clinic: organizations.id.';
COMMENT ON COLUMN quarantine.record_key IS 'The Cliniko id, or sha256: and a hash of a record without one.';
COMMENT ON COLUMN quarantine.cliniko_patient_id IS 'The id in Cliniko; null when the record has none.';
COMMENT ON COLUMN quarantine.reason IS 'Code of the reason, such as INVALID_PHONE.';
COMMENT ON COLUMN quarantine.sealed_raw IS 'The record as Cliniko sent it, encrypted.';
COMMENT ON COLUMN quarantine.first_seen_at IS 'When a sync first could not store it.';
COMMENT ON COLUMN quarantine.last_seen_at IS 'When a sync last could not store it.';
COMMENT ON COLUMN quarantine.attempts IS 'How often a sync could not store it.';
--> statement-breakpoint
COMMENT ON TABLE patient_change_streams IS 'The head of the numbered changes of patients of each organization.';
COMMENT ON COLUMN patient_change_streams.organization_id IS 'The clinic: organizations.id.';
COMMENT ON COLUMN patient_change_streams.head IS 'Number of its newest change.';
COMMENT ON COLUMN patient_change_streams.changed_at IS 'The greatest patients.changed_at so far, erased patients included.';
COMMENT ON COLUMN patient_change_streams.writer IS 'The transaction that changed the head last.';
COMMENT ON COLUMN patient_change_streams.settled_at IS 'changed_at before that transaction.';
--> statement-breakpoint
COMMENT ON TABLE patient_changes IS 'The numbered changes of patients, at most 1,000 of one statement in a row. Ids only. Partitioned by day.';
COMMENT ON COLUMN patient_changes.organization_id IS 'The clinic: organizations.id.';
COMMENT ON COLUMN patient_changes.seq IS 'Number of the last change of this row; the numbers before it belong to the earlier elements of the arrays.';
COMMENT ON COLUMN patient_changes.at IS 'When the changes were numbered, at their commit.';
COMMENT ON COLUMN patient_changes.sync_log_id IS 'The sync that made them: sync_logs.id; null: another writer.';
COMMENT ON COLUMN patient_changes.kinds IS 'created, updated, archived, unarchived, merged, missing, returned or erased, for each change.';
COMMENT ON COLUMN patient_changes.cliniko_patient_ids IS 'The patient of each change.';
--> statement-breakpoint
COMMENT ON TABLE patient_changes_pending IS 'Changes of open transactions. The commit numbers and deletes them, so it always looks empty.';
COMMENT ON COLUMN patient_changes_pending.id IS 'Order within the transaction.';
COMMENT ON COLUMN patient_changes_pending.organization_id IS 'The clinic: organizations.id.';
COMMENT ON COLUMN patient_changes_pending.kinds IS 'As patient_changes.kinds.';
COMMENT ON COLUMN patient_changes_pending.cliniko_patient_ids IS 'As patient_changes.cliniko_patient_ids.';
COMMENT ON COLUMN patient_changes_pending.first_changed_at IS 'The smallest changed_at of the changed rows; null: all were erased.';
COMMENT ON COLUMN patient_changes_pending.last_changed_at IS 'The greatest changed_at of the changed rows; null: all were erased.';
COMMENT ON COLUMN patient_changes_pending.is_distinct IS 'Whether each row has its own changed_at.';
--> statement-breakpoint
COMMENT ON TABLE sync_events IS 'Every change of sync_logs, numbered for each organization. Partitioned by day.';
COMMENT ON COLUMN sync_events.organization_id IS 'The clinic: organizations.id.';
COMMENT ON COLUMN sync_events.seq IS 'Number of the event: without gaps, in the order of commits.';
COMMENT ON COLUMN sync_events.at IS 'When the change was made.';
COMMENT ON COLUMN sync_events.type IS 'started, progress, completed, failed or snapshot.';
COMMENT ON COLUMN sync_events.created IS 'Whether the change inserted the row of sync_logs.';
COMMENT ON COLUMN sync_events.sync_log_id IS 'The changed row: sync_logs.id.';
COMMENT ON COLUMN sync_events."row" IS 'The row after the change; after a delete the newest row of the organization, or null.';
COMMENT ON COLUMN sync_events.row_seq IS 'Number of the last change of that row.';
--> statement-breakpoint
COMMENT ON TABLE sync_streams IS 'The head of the events of each organization.';
COMMENT ON COLUMN sync_streams.organization_id IS 'The clinic: organizations.id.';
COMMENT ON COLUMN sync_streams.head IS 'Number of its newest event.';
--> statement-breakpoint
COMMENT ON TABLE sync_epoch_seed IS 'One row: the random part of the epoch, which identifies this history of events.';
COMMENT ON COLUMN sync_epoch_seed.seed IS 'Random; replaced when a restored database is detected.';
--> statement-breakpoint
COMMENT ON TABLE sync_runs IS 'The state of the sync engine for each of its runs.';
COMMENT ON COLUMN sync_runs.sync_log_id IS 'The sync: sync_logs.id.';
COMMENT ON COLUMN sync_runs.organization_id IS 'The clinic: organizations.id.';
COMMENT ON COLUMN sync_runs.operation_type IS 'As sync_logs.operation_type.';
COMMENT ON COLUMN sync_runs.owner IS 'The worker that holds the lease; null: it waits for one.';
COMMENT ON COLUMN sync_runs.lease_epoch IS 'Number of the claim; a worker with an older one writes nothing.';
COMMENT ON COLUMN sync_runs.lease_expires_at IS 'When another worker may take the run over.';
COMMENT ON COLUMN sync_runs.attempt IS 'How many workers have claimed the run.';
COMMENT ON COLUMN sync_runs.fruitless_claims IS 'Claims in a row without progress.';
COMMENT ON COLUMN sync_runs.checkpoint IS 'Where an interrupted run resumes, as JSON.';
COMMENT ON COLUMN sync_runs.cancel_requested_at IS 'When a cancel was requested.';
COMMENT ON COLUMN sync_runs.created_at IS 'When the run was created.';
COMMENT ON COLUMN sync_runs.ended_at IS 'When it ended; null: not yet.';
--> statement-breakpoint
COMMENT ON TABLE sync_seen IS 'The ids that an open run has seen, one row for each batch. Deleted when the run ends.';
COMMENT ON COLUMN sync_seen.sync_log_id IS 'The sync: sync_logs.id.';
COMMENT ON COLUMN sync_seen.cliniko_patient_ids IS 'The Cliniko ids of one batch.';
--> statement-breakpoint
COMMENT ON TABLE sync_pause IS 'One row: whether all schedules are paused.';
COMMENT ON COLUMN sync_pause.singleton IS 'Always true, so that there is one row.';
COMMENT ON COLUMN sync_pause.paused IS 'Whether everything is paused.';
COMMENT ON COLUMN sync_pause.reason IS 'Why everything is paused.';
COMMENT ON COLUMN sync_pause.changed_at IS 'When that last changed.';
--> statement-breakpoint
COMMENT ON TABLE cliniko_credentials IS 'The Cliniko API keys, encrypted.';
COMMENT ON COLUMN cliniko_credentials.organization_id IS 'The clinic: organizations.id.';
COMMENT ON COLUMN cliniko_credentials.sealed_api_key IS 'The key, encrypted.';
COMMENT ON COLUMN cliniko_credentials.account_host IS 'Host of the pages of the account in Cliniko; null: not known yet.';
COMMENT ON COLUMN cliniko_credentials.updated_at IS 'When the key was stored.';
--> statement-breakpoint
COMMENT ON TABLE sealing_key IS 'One row: which key encrypts the secrets of this database.';
COMMENT ON COLUMN sealing_key.singleton IS 'Always true, so that there is one row.';
COMMENT ON COLUMN sealing_key.key_id IS 'Fingerprint of CREDENTIALS_KEY.';
--> statement-breakpoint
COMMENT ON TABLE request_budgets IS 'The rate limit of each Cliniko key, shared by all servers.';
COMMENT ON COLUMN request_budgets.key_hash IS 'Hash of the key.';
COMMENT ON COLUMN request_budgets.paused_until IS 'Cliniko allows no request before this time.';
--> statement-breakpoint
COMMENT ON TABLE request_reservations IS 'Requests to Cliniko of the last minute, for each key.';
COMMENT ON COLUMN request_reservations.key_hash IS 'Hash of the key.';
COMMENT ON COLUMN request_reservations.at IS 'When they were reserved.';
COMMENT ON COLUMN request_reservations.requests IS 'How many.';
--> statement-breakpoint
COMMENT ON TABLE audit_log IS 'Who did what. Rows are never changed. Ids and counts, no patient data.';
COMMENT ON COLUMN audit_log.id IS 'Number of the entry.';
COMMENT ON COLUMN audit_log.at IS 'When.';
COMMENT ON COLUMN audit_log.organization_id IS 'The clinic; null: no single one.';
COMMENT ON COLUMN audit_log.actor IS 'The account, such as token:7.';
COMMENT ON COLUMN audit_log.action IS 'What, such as missing.confirm.';
COMMENT ON COLUMN audit_log.details IS 'Ids and counts, as JSON.';
COMMENT ON COLUMN audit_log.request_id IS 'X-Request-Id of the request; null: a command, or the server itself.';
--> statement-breakpoint
COMMENT ON TABLE api_tokens IS 'API tokens: the accounts of people and programs.';
COMMENT ON COLUMN api_tokens.id IS 'Number of the token.';
COMMENT ON COLUMN api_tokens.name IS 'Name that the operator gave.';
COMMENT ON COLUMN api_tokens.token_hash IS 'SHA-256 of the token.';
COMMENT ON COLUMN api_tokens.scope IS 'read, sync, admin or metrics.';
COMMENT ON COLUMN api_tokens.organizations IS 'Its organizations; null: all.';
COMMENT ON COLUMN api_tokens.created_at IS 'When it was created.';
COMMENT ON COLUMN api_tokens.expires_at IS 'When it ends; null: never.';
COMMENT ON COLUMN api_tokens.revoked_at IS 'When it was revoked; null: not revoked.';
--> statement-breakpoint
COMMENT ON TABLE sign_in_links IS 'One-time links that open a session in a browser.';
COMMENT ON COLUMN sign_in_links.code_hash IS 'SHA-256 of the code.';
COMMENT ON COLUMN sign_in_links.token_id IS 'The account: api_tokens.id.';
COMMENT ON COLUMN sign_in_links.created_at IS 'When it was created.';
COMMENT ON COLUMN sign_in_links.expires_at IS 'When it ends.';
COMMENT ON COLUMN sign_in_links.used_at IS 'When it was used; null: not used.';
--> statement-breakpoint
COMMENT ON TABLE sign_in_identities IS 'The people of an identity provider who may use an account.';
COMMENT ON COLUMN sign_in_identities.id IS 'Number of the entry.';
COMMENT ON COLUMN sign_in_identities.token_id IS 'The account: api_tokens.id.';
COMMENT ON COLUMN sign_in_identities.email IS 'Email address that the provider verified, in lower case.';
COMMENT ON COLUMN sign_in_identities.wanted_subject IS 'Id of the person at the provider, when the operator named it.';
COMMENT ON COLUMN sign_in_identities.issuer IS 'The provider, after the first sign-in.';
COMMENT ON COLUMN sign_in_identities.subject IS 'Id of the person at the provider, after the first sign-in.';
COMMENT ON COLUMN sign_in_identities.created_at IS 'When it was allowed.';
--> statement-breakpoint
COMMENT ON TABLE browser_sessions IS 'Open sessions in browsers.';
COMMENT ON COLUMN browser_sessions.id IS 'Number of the session.';
COMMENT ON COLUMN browser_sessions.secret_hash IS 'SHA-256 of the cookie.';
COMMENT ON COLUMN browser_sessions.token_id IS 'The account: api_tokens.id.';
COMMENT ON COLUMN browser_sessions.identity_id IS 'The person: sign_in_identities.id; null: a sign-in link.';
COMMENT ON COLUMN browser_sessions.created_at IS 'When the person signed in.';
COMMENT ON COLUMN browser_sessions.renewed_at IS 'When the session was last used for its renewal.';
COMMENT ON COLUMN browser_sessions.expires_at IS 'When it ends.';
--> statement-breakpoint
COMMENT ON TABLE sql_readers IS 'Logins of the database that only read (patient-sync tokens sql-reader).';
COMMENT ON COLUMN sql_readers.role_name IS 'Name of the role.';
COMMENT ON COLUMN sql_readers.role_oid IS 'OID of the role: another role with the name has no rights.';
COMMENT ON COLUMN sql_readers.organizations IS 'The organizations that it reads.';
COMMENT ON COLUMN sql_readers.raw IS 'Whether it reads patients.raw.';
COMMENT ON COLUMN sql_readers.identifiers IS 'Whether it reads patient_identifiers.';
COMMENT ON COLUMN sql_readers.created_at IS 'When it was created.';
COMMENT ON COLUMN sql_readers.expires_at IS 'When its rights end.';
--> statement-breakpoint
COMMENT ON TABLE idempotency_keys IS 'The first answer to each Idempotency-Key, for a day.';
COMMENT ON COLUMN idempotency_keys.key_hash IS 'SHA-256 of the account and the key.';
COMMENT ON COLUMN idempotency_keys.request_hash IS 'SHA-256 of the request.';
COMMENT ON COLUMN idempotency_keys.status IS 'HTTP status; null: not answered yet.';
COMMENT ON COLUMN idempotency_keys.content_type IS 'Type of the body.';
COMMENT ON COLUMN idempotency_keys.body IS 'Body of the answer.';
COMMENT ON COLUMN idempotency_keys.created_at IS 'When the request came.';
--> statement-breakpoint
COMMENT ON TABLE bulk_operations IS 'Operations on many organizations.';
COMMENT ON COLUMN bulk_operations.id IS 'Number of the operation.';
COMMENT ON COLUMN bulk_operations.action IS 'start, cancel, retry, pause or resume.';
COMMENT ON COLUMN bulk_operations.operation_type IS 'Type of the syncs that it starts.';
COMMENT ON COLUMN bulk_operations.reason IS 'Reason of a pause.';
COMMENT ON COLUMN bulk_operations.actor IS 'The account that created it.';
COMMENT ON COLUMN bulk_operations.trigger IS 'As metadata.trigger of the syncs that it starts.';
COMMENT ON COLUMN bulk_operations.status IS 'running, completed or cancelled.';
COMMENT ON COLUMN bulk_operations.matched IS 'Number of its organizations.';
COMMENT ON COLUMN bulk_operations.repeat_hash IS 'SHA-256 of the Idempotency-Key and the request.';
COMMENT ON COLUMN bulk_operations.created_at IS 'When it was created.';
COMMENT ON COLUMN bulk_operations.completed_at IS 'When it ended; null: not yet.';
--> statement-breakpoint
COMMENT ON TABLE bulk_operation_targets IS 'The organizations of a bulk operation.';
COMMENT ON COLUMN bulk_operation_targets.operation_id IS 'The operation: bulk_operations.id.';
COMMENT ON COLUMN bulk_operation_targets.organization_id IS 'The clinic: organizations.id.';
COMMENT ON COLUMN bulk_operation_targets.outcome IS 'done, skipped or failed; null: not reached yet.';
--> statement-breakpoint
COMMENT ON TABLE webhook_endpoints IS 'Where notifications are sent.';
COMMENT ON COLUMN webhook_endpoints.id IS 'Number of the endpoint.';
COMMENT ON COLUMN webhook_endpoints.organization_id IS 'Its only organization; null: those of organizations.';
COMMENT ON COLUMN webhook_endpoints.organizations IS 'Its organizations; null beside a null organization_id: all.';
COMMENT ON COLUMN webhook_endpoints.kind IS 'standard, slack, teams, discord or email.';
COMMENT ON COLUMN webhook_endpoints.url IS 'Address, or mailto: and an email address.';
COMMENT ON COLUMN webhook_endpoints.sealed_secret IS 'Secret for signatures, encrypted.';
COMMENT ON COLUMN webhook_endpoints.events IS 'The events that it gets.';
COMMENT ON COLUMN webhook_endpoints.created_at IS 'When it was created.';
COMMENT ON COLUMN webhook_endpoints.disabled_at IS 'When it was disabled; null: enabled.';
COMMENT ON COLUMN webhook_endpoints.quiet_hours IS 'Its quiet hours, as JSON.';
COMMENT ON COLUMN webhook_endpoints.digest IS 'Whether it gets digests.';
COMMENT ON COLUMN webhook_endpoints.address IS 'Address of the pages, for links.';
COMMENT ON COLUMN webhook_endpoints.resume_at IS 'The receiver allows no attempt before this time.';
COMMENT ON COLUMN webhook_endpoints.silent_since IS 'Since when attempts end without an answer; null: answered.';
--> statement-breakpoint
COMMENT ON TABLE webhook_deliveries IS 'Messages for endpoints, and their attempts.';
COMMENT ON COLUMN webhook_deliveries.id IS 'Number of the delivery.';
COMMENT ON COLUMN webhook_deliveries.endpoint_id IS 'The endpoint: webhook_endpoints.id.';
COMMENT ON COLUMN webhook_deliveries.organization_id IS 'The clinic that it is about.';
COMMENT ON COLUMN webhook_deliveries.organizations IS 'The clinics of a message about several.';
COMMENT ON COLUMN webhook_deliveries.message_id IS 'Id of the message, for the receiver.';
COMMENT ON COLUMN webhook_deliveries.event IS 'Name of the event.';
COMMENT ON COLUMN webhook_deliveries.sync_log_id IS 'The sync: sync_logs.id; null: not about one.';
COMMENT ON COLUMN webhook_deliveries.body IS 'The message.';
COMMENT ON COLUMN webhook_deliveries.state IS 'pending, delivered or given_up.';
COMMENT ON COLUMN webhook_deliveries.attempts IS 'Number of attempts.';
COMMENT ON COLUMN webhook_deliveries.next_attempt_at IS 'When the next attempt is due.';
COMMENT ON COLUMN webhook_deliveries.last_status IS 'HTTP status of the last attempt.';
COMMENT ON COLUMN webhook_deliveries.last_error IS 'Error of the last attempt.';
COMMENT ON COLUMN webhook_deliveries.created_at IS 'When it was created.';
COMMENT ON COLUMN webhook_deliveries.delivered_at IS 'When it was delivered; null: not yet.';
--> statement-breakpoint
COMMENT ON TABLE webhook_notices IS 'Events that wait to be summarized in a message.';
COMMENT ON COLUMN webhook_notices.id IS 'Number of the notice.';
COMMENT ON COLUMN webhook_notices.endpoint_id IS 'The endpoint: webhook_endpoints.id.';
COMMENT ON COLUMN webhook_notices.organization_id IS 'The clinic: organizations.id.';
COMMENT ON COLUMN webhook_notices.event IS 'Name of the event.';
COMMENT ON COLUMN webhook_notices.sync_log_id IS 'The sync: sync_logs.id.';
COMMENT ON COLUMN webhook_notices.body IS 'The message for the kind standard.';
COMMENT ON COLUMN webhook_notices.http_status IS 'HTTP status of the answer of Cliniko with which the sync failed.';
COMMENT ON COLUMN webhook_notices.created_at IS 'When it was stored.';
--> statement-breakpoint
COMMENT ON TABLE patient_sync_migrations IS 'The migrations that this database has, by hash.';
COMMENT ON COLUMN patient_sync_migrations.hash IS 'SHA-256 of the migration.';
COMMENT ON COLUMN patient_sync_migrations.applied_at IS 'When it was applied.';
