#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| contrail::fuzzing::spot_advisor_feed(data));
