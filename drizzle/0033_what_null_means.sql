-- What null means in each column that may be null.
COMMENT ON COLUMN patients.phone IS 'The first valid phone number, in the form +61491570156 (E.164); null when there is none. All numbers are in patient_details.phones.';
COMMENT ON COLUMN patients.created_at IS 'When the record was created in Cliniko, by the clock of Cliniko; null when the record does not say.';
COMMENT ON COLUMN patients.updated_at IS 'When the record was last changed in Cliniko, by the clock of Cliniko; null when the record does not say. Not for incremental copies: use changed_at.';
COMMENT ON COLUMN patients_current.phone IS 'The first valid phone number, in the form +61491570156 (E.164); null when there is none. All numbers are in patient_details.phones.';
COMMENT ON COLUMN patients_current.created_at IS 'When the record was created in Cliniko, by the clock of Cliniko; null when the record does not say.';
COMMENT ON COLUMN patients_current.updated_at IS 'When the record was last changed in Cliniko, by the clock of Cliniko; null when the record does not say. Not for incremental copies: use changed_at.';
COMMENT ON COLUMN sync_logs.records_processed IS 'Patients that were processed: stored or rejected; null, which another program may write, means 0.';
COMMENT ON COLUMN sync_logs.records_success IS 'Patients that were stored, or unchanged; null means 0.';
COMMENT ON COLUMN sync_logs.records_failed IS 'Patients that could not be stored: they are in quarantine; null means 0.';
COMMENT ON COLUMN sync_logs.metadata IS 'Progress and result, as JSON: phase, counts, errors by patient id, proof of completeness; null: another program wrote none.';
COMMENT ON COLUMN sync_logs.error_details IS 'Why a failed sync failed, in one sentence; null for every other sync.';
