//! See `betcode_fuzz::config`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| (betcode_fuzz::config::TARGET.run)(data));
