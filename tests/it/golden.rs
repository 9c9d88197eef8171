//! The formats that users depend on, held by golden files.

use contrail::lake::key::{Key, Parsed};

#[test]
fn keys_are_what_users_have_written_into_their_queries() {
    let golden = include_str!("../golden/keys.txt");
    assert!(golden.lines().count() >= 10);
    for line in golden.lines() {
        let (key, parsed) = Key::parse(line).unwrap_or_else(|error| panic!("{error}"));
        let again = match &parsed {
            Parsed::Raw(slice) => Key::raw(slice),
            Parsed::Mark(slice, mark) => Key::mark(slice, *mark),
            Parsed::Table(object) => Key::table(object),
            Parsed::RunLog(started, run) => Key::run_log(*started, run),
            Parsed::Identity => Key::identity(),
            Parsed::Probe => Key::probe(),
        };
        assert_eq!((key.as_str(), again.as_str()), (line, line));
    }
}
