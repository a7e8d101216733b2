//! The database: opened and migrated, batches stored, old rows forgotten, questions answered.
