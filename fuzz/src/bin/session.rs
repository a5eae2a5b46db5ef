//! See `betcode_fuzz::session`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| (betcode_fuzz::session::TARGET.run)(data));
