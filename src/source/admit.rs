//! Admission: permits for requests and for bytes.
