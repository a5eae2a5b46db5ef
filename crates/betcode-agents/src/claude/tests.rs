//! Lines that no recorded session has.
