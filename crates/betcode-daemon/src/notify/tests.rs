//! The words of notifications.
