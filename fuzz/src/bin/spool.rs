//! See `betcode_fuzz::spool`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| (betcode_fuzz::spool::TARGET.run)(data));
