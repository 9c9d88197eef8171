//! Loading, from inputs to settings.

use super::*;

/// A directory with `contrail.toml`, and inputs that find it and nothing else.
fn inputs(file: &str) -> (tempfile::TempDir, Inputs) {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("contrail.toml"), file).unwrap();
    let inputs = Inputs { directory: directory.path().to_owned(), ..Inputs::default() };
    (directory, inputs)
}

fn loaded(file: &str) -> Loaded {
    let (_directory, inputs) = inputs(file);
    load(&inputs).unwrap()
}

fn problems(file: &str) -> Vec<Problem> {
    let (_directory, inputs) = inputs(file);
    load(&inputs).unwrap_err().problems
}

fn with(mut inputs: Inputs, variables: &[(&str, &str)]) -> Inputs {
    inputs.environment = variables.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    inputs
}

#[test]
fn without_a_file_everything_is_default() {
    let directory = tempfile::tempdir().unwrap();
    let inputs = Inputs { directory: directory.path().to_owned(), ..Inputs::default() };
    let loaded = load(&inputs).unwrap();
    assert_eq!(loaded.config, Config::default());
    assert_eq!((loaded.file, loaded.warnings), (None, vec![]));
    assert!(loaded.entries.iter().all(|entry| entry.origin == Origin::Default));
}

#[test]
fn the_example_is_the_defaults() {
    let loaded = loaded(example());
    assert_eq!(loaded.config, Config::default());
    assert_eq!(loaded.warnings, []);
}

#[test]
fn the_example_holds_every_key_set_or_commented_out() {
    // With what is commented out set as well, where that does not contradict the rest.
    let all: Vec<&str> = example()
        .lines()
        .map(|line| line.strip_prefix("# ").filter(|rest| is_setting(rest)).unwrap_or(line))
        .filter(|line| !line.starts_with("every = "))
        .map(|line| if line.starts_with("sse = ") { "sse = \"aws:kms\"" } else { line })
        .collect();
    let (_directory, inputs) = inputs(&all.join("\n"));
    let loaded = load(&with(inputs, &[("CONTRAIL_PROXY", "http://me:hunter2@proxy:3128")])).unwrap();
    assert_eq!(loaded.warnings, []);
    let unset: Vec<String> =
        loaded.entries.iter().filter(|entry| entry.origin == Origin::Default).map(Entry::path).collect();
    let every = SOURCES.map(|source| format!("sources.{source}.every"));
    assert_eq!(unset, every);
}

fn is_setting(line: &str) -> bool {
    line.split_once(" = ")
        .is_some_and(|(key, _)| key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'))
}

#[test]
fn each_layer_wins_over_the_ones_below() {
    let (_directory, inputs) =
        inputs("[lake]\nurl = \"from-file\"\ngzip_level = 3\nspool_limit = \"1 GiB\"\n");
    let mut inputs =
        with(inputs, &[("CONTRAIL_LAKE__URL", "from-variable"), ("CONTRAIL_LAKE__GZIP_LEVEL", "4")]);
    inputs.flags.push(Flag { name: "--lake", key: "lake.url", value: "from-flag".to_owned() });
    let loaded = load(&inputs).unwrap();
    assert_eq!(loaded.config.lake.url, LakeUrl::Directory("from-flag".into()));
    assert_eq!(loaded.config.lake.gzip_level, 4);
    for (key, origin) in [
        ("lake.url", "--lake"),
        ("lake.gzip_level", "CONTRAIL_LAKE__GZIP_LEVEL"),
        ("lake.spool_limit", "contrail.toml:4"),
        ("lake.sse", "default"),
    ] {
        assert_eq!(loaded.origin(key).unwrap().to_string(), origin);
    }
    assert_eq!(loaded.origin("lake.nothing"), None);
}

#[test]
fn variables_reach_sources_and_lists_and_empty_ones_count_as_not_set() {
    let (_directory, inputs) = inputs("");
    let config = load(&with(
        inputs,
        &[
            ("CONTRAIL_SOURCES__AWS_SPOT_PRICES__EVERY", "30m"),
            ("CONTRAIL_SOURCES__AWS_PRICE_LIST__OFFERS", "AmazonEC2, AmazonRDS"),
            ("CONTRAIL_SOURCES__AZURE_RETAIL_PRICES__ENABLED", "false"),
            ("CONTRAIL_LAKE__URL", ""),
        ],
    ))
    .unwrap()
    .config;
    assert_eq!(config.sources.aws_spot_prices.schedule, Schedule::Every("30m".parse().unwrap()));
    assert_eq!(config.sources.aws_price_list.offers, ["AmazonEC2", "AmazonRDS"]);
    assert!(!config.sources.azure_retail_prices.enabled);
    assert_eq!(config.lake.url, Config::default().lake.url);
}

#[test]
fn files_are_looked_up_in_order() {
    let directory = tempfile::tempdir().unwrap();
    let write = |path: &str, level: u32| {
        let path = directory.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, format!("[lake]\ngzip_level = {level}\n")).unwrap();
    };
    let home = directory.path().join("home");
    let mut inputs = Inputs { directory: directory.path().to_owned(), ..Inputs::default() };
    inputs.environment.insert("HOME".to_owned(), home.to_str().unwrap().to_owned());
    let level = |inputs: &Inputs| load(inputs).unwrap().config.lake.gzip_level;

    assert_eq!(level(&inputs), 6);
    write("home/.config/contrail/contrail.toml", 1);
    assert_eq!(level(&inputs), 1);
    write("xdg/contrail/contrail.toml", 2);
    let xdg = directory.path().join("xdg");
    inputs.environment.insert("XDG_CONFIG_HOME".to_owned(), xdg.to_str().unwrap().to_owned());
    assert_eq!(level(&inputs), 2);
    write("contrail.toml", 3);
    assert_eq!(level(&inputs), 3);
    write("named.toml", 4);
    inputs.environment.insert(CONFIG_VARIABLE.to_owned(), "named.toml".to_owned());
    assert_eq!(level(&inputs), 4);
    write("flag.toml", 5);
    inputs.path = Some("flag.toml".into());
    assert_eq!(level(&inputs), 5);
}

#[test]
fn a_file_that_was_asked_for_must_be_there_and_be_a_small_text() {
    let (_directory, mut inputs) = inputs("");
    inputs.path = Some("missing.toml".into());
    let error = load(&inputs).unwrap_err();
    assert!(error.to_string().starts_with("failed to read the configuration missing.toml: "), "{error}");
    assert!(error.problems[0].hint.as_ref().unwrap().contains("--config"));
    for (bytes, reason) in [(vec![b'#'; 2 << 20], "larger than 1 MiB"), (vec![0xff], "not UTF-8")] {
        std::fs::write(inputs.directory.join("odd.toml"), bytes).unwrap();
        inputs.path = Some("odd.toml".into());
        let error = load(&inputs).unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    }
}

#[test]
fn an_unknown_key_names_its_line_and_the_nearest_one() {
    let problems =
        problems("[lake]\nurl = \"x\"\n\n[sources.aws_spot_prices]\nenabled = true\n\nevry = \"1h\"\n");
    assert_eq!(problems[0].message, "contrail.toml:7: unknown key \"evry\" in [sources.aws_spot_prices]");
    assert_eq!(problems[0].hint.as_deref(), Some("did you mean \"every\"?"));
    assert_eq!(problems.len(), 1);
}

#[test]
fn everything_that_is_wrong_is_told_in_the_order_of_the_file() {
    let problems = problems(
        r#"
top = 1
[sources.aws_spot_prices]
every = "0s"
window = "7m"
concurrency = -1
[sources.aws_spot_price]
every = "1h"
[sources.aws_price_list]
regions = ["us-east-1", "../../x"]
partitions = ["aws-c"]
cron = "every hour"
enabled = "yes"
[sources.azure_retail_prices]
currencies = ["usd"]
price_types = []
walks = 7
[lak]
[lake]
url = "gs://bucket"
gzip_level = 12
spool_limit = 5
kms_key_id = "k"
sse = "kms"
force_path_style = { yes = true }
[server]
listen = "9477"
[aws]
external_id = "x"
[http]
timeout = 1979-05-27
"#,
    );
    let messages: Vec<&str> = problems.iter().map(|problem| problem.message.as_str()).collect();
    let expected = [
        "contrail.toml:2: unknown section [top]",
        "contrail.toml:4: sources.aws_spot_prices.every must be between 1m and 366d, not 0s",
        "contrail.toml:5: sources.aws_spot_prices.window must be whole minutes that divide a day evenly, such as 15m, 1h or 6h, not 7m",
        "contrail.toml:6: sources.aws_spot_prices.concurrency must be between 1 and 256, not -1",
        "contrail.toml:7: unknown section [sources.aws_spot_price]",
        "contrail.toml:10: sources.aws_price_list.regions holds \"../../x\": each must be 1 to 64 characters of A-Z a-z 0-9 . _ -, not \"../../x\"",
        "contrail.toml:11: sources.aws_price_list.partitions holds \"aws-c\": each must be one of aws, aws-cn, not \"aws-c\"",
        "contrail.toml:12: sources.aws_price_list.cron must be a cron expression of six fields (second, minute, hour, day, month, weekday; UTC) with one second, such as \"0 12 * * * *\", not \"every hour\"",
        "contrail.toml:13: sources.aws_price_list.enabled must be true or false, not \"yes\"",
        "contrail.toml:15: sources.azure_retail_prices.currencies holds \"usd\": each must be a currency code of three capitals such as USD, not \"usd\"",
        "contrail.toml:16: sources.azure_retail_prices.price_types must name at least one",
        "contrail.toml:17: sources.azure_retail_prices.walks must be at most max_walks (5), not 7",
        "contrail.toml:18: unknown section [lak]",
        "contrail.toml:20: lake.url must be s3://bucket/prefix, file:///an/absolute/directory, file:./a/relative/one or a path, not \"gs://bucket\"",
        "contrail.toml:21: lake.gzip_level must be between 0 and 9, not 12",
        "contrail.toml:22: lake.spool_limit must be a size such as \"10 GiB\", \"64 MiB\" or \"500 kB\", not 5",
        "contrail.toml:23: lake.kms_key_id needs sse = \"aws:kms\", not \"none\"",
        "contrail.toml:24: lake.sse must be one of none, AES256, aws:kms, not \"kms\"",
        "contrail.toml:25: lake.force_path_style must be true or false, not a table",
        "contrail.toml:27: server.listen must be an address and a port such as \"127.0.0.1:9477\", not \"9477\"",
        "contrail.toml:29: aws.external_id needs role_arn",
        "contrail.toml:31: http.timeout must be a length of time such as \"90d\", \"1h 30m\" or \"20s\", not 1979-05-27",
    ];
    assert_eq!(messages, expected);
    assert!(problems.iter().all(|problem| problem.hint.is_some()), "{problems:?}");
}

#[test]
fn a_file_that_is_no_toml_names_the_line_and_does_not_repeat_it() {
    let problems = problems("[http]\nproxy = \"http://me:hunter2@proxy\n");
    assert!(problems[0].message.starts_with("contrail.toml:2: "), "{problems:?}");
    assert!(!format!("{problems:?}").contains("hunter2"), "{problems:?}");
}

#[test]
fn a_section_that_is_a_value_is_told() {
    let problems = problems("sources = 1\n");
    assert_eq!(problems[0].message, "contrail.toml:1: sources must be a section, not a value");
    assert_eq!(
        problems[0].hint.as_deref(),
        Some("write its keys below a line [section]; see `contrail config example`")
    );
}

#[test]
fn only_one_of_every_and_cron_may_be_given_in_a_layer() {
    let both = problems("[sources.aws_price_list]\nevery = \"1h\"\ncron = \"0 0 * * * *\"\n");
    assert!(both[0].message.starts_with("contrail.toml:3: sources.aws_price_list.cron cannot"), "{both:?}");

    let (_directory, inputs) = inputs("[sources.aws_price_list]\ncron = \"0 0 * * * *\"\n");
    let schedule = |inputs: &Inputs| load(inputs).unwrap().config.sources.aws_price_list.schedule;
    assert_eq!(schedule(&inputs), Schedule::Cron("0 0 * * * *".parse().unwrap()));
    let stronger = with(inputs, &[("CONTRAIL_SOURCES__AWS_PRICE_LIST__EVERY", "2h")]);
    assert_eq!(schedule(&stronger), Schedule::Every("2h".parse().unwrap()));
}

#[test]
fn a_wrong_variable_is_named() {
    let (_directory, inputs) = inputs("");
    let error = load(&with(
        inputs,
        &[
            ("CONTRAIL_LAKE__GZIP_LEVEL", "12"),
            ("CONTRAIL_LAKE__URLL", "x"),
            ("CONTRAIL_NOTHING__AT__ALL", "x"),
            ("CONTRAIL_LOG", "debug"),
            ("CONTRAIL_PAYLOADS", "x"),
        ],
    ))
    .unwrap_err();
    let told: Vec<(&str, &str)> = error
        .problems
        .iter()
        .map(|problem| (problem.message.as_str(), problem.hint.as_deref().unwrap()))
        .collect();
    assert_eq!(
        told,
        [
            (
                "CONTRAIL_LAKE__GZIP_LEVEL: lake.gzip_level must be between 0 and 9, not 12",
                "leave it out for the default, 6"
            ),
            ("unknown setting in the environment: CONTRAIL_LAKE__URLL", "did you mean CONTRAIL_LAKE__URL?"),
            (
                "unknown setting in the environment: CONTRAIL_NOTHING__AT__ALL",
                "variables are named CONTRAIL_<SECTION>__<KEY>"
            ),
        ]
    );
}

#[test]
fn a_variable_with_single_underscores_is_warned_about() {
    let (_directory, inputs) = inputs("");
    let loaded = load(&with(inputs, &[("CONTRAIL_LAKE_URL", "x"), ("CONTRAIL_ANYTHING", "x")])).unwrap();
    assert_eq!(loaded.warnings.len(), 1);
    assert_eq!(loaded.warnings[0].hint.as_deref(), Some("did you mean CONTRAIL_LAKE__URL?"));
}

#[test]
fn a_secret_is_referred_to_or_warned_about_and_never_shown() {
    let (directory, inputs) = inputs("[http]\nproxy = { env = \"PROXY\" }\n");
    let by_variable = load(&with(inputs.clone(), &[("PROXY", "http://me:hunter2@proxy")])).unwrap();
    assert_eq!(by_variable.warnings, []);

    std::fs::write(directory.path().join("secret"), "http://me:hunter2@proxy\n").unwrap();
    let by_file = loaded_in(&inputs, "[http]\nproxy = { file = \"secret\" }\n");
    assert_eq!(by_file.warnings, []);

    let literal = loaded_in(&inputs, "[http]\nproxy = \"http://me:hunter2@proxy\"\n");
    assert_eq!(
        literal.warnings[0].message,
        "contrail.toml:2: http.proxy is a secret, written out in the file"
    );

    for loaded in [&by_variable, &by_file, &literal] {
        assert_eq!(loaded.config.http.proxy.as_ref().unwrap().expose(), "http://me:hunter2@proxy");
        assert!(!format!("{loaded:?}").contains("hunter2"));
    }
    assert_eq!(loaded_in(&inputs, "[http]\nproxy = \"http://proxy:3128\"\n").warnings, []);

    let by_setting = [("CONTRAIL_HTTP__PROXY", "{ env = \"PROXY\" }"), ("PROXY", "http://me:hunter2@proxy")];
    let loaded = load(&with(inputs, &by_setting)).unwrap();
    assert_eq!(loaded.config.http.proxy.unwrap().expose(), "http://me:hunter2@proxy");
}

fn loaded_in(inputs: &Inputs, file: &str) -> Loaded {
    std::fs::write(inputs.directory.join("contrail.toml"), file).unwrap();
    load(inputs).unwrap()
}

#[test]
fn a_secret_that_cannot_be_had_is_told_and_not_shown() {
    for (value, reason) in [
        ("{ env = \"MISSING\" }", "refers to the environment variable \"MISSING\", which is not set"),
        ("{ file = \"missing\" }", "refers to the file \"missing\", which cannot be read"),
        ("{ envv = \"X\" }", "has the unknown reference \"envv\""),
        ("{ env = \"A\", file = \"b\" }", "must be a string or a reference"),
        ("7", "must be a string or a reference"),
        ("\"socks5://me:hunter2@proxy\"", "must be an address that starts with http:// or https://"),
    ] {
        let problems = problems(&format!("[http]\nproxy = {value}\n"));
        assert!(problems[0].message.contains(reason), "{problems:?}");
        assert!(!format!("{problems:?}").contains("hunter2"), "{problems:?}");
    }
}

#[test]
fn a_class_that_cannot_be_read_from_or_is_unknown_is_warned_about() {
    for (class, warnings) in [("STANDARD_IA", 0), ("DEEP_ARCHIVE", 1), ("STANDRD", 1)] {
        assert_eq!(
            loaded(&format!("[lake]\nstorage_class = \"{class}\"\n")).warnings.len(),
            warnings,
            "{class}"
        );
    }
}

#[test]
fn inputs_do_not_show_the_environment() {
    let (_directory, inputs) = inputs("");
    let shown = format!("{:?}", with(inputs, &[("AWS_SECRET_ACCESS_KEY", "hunter2")]));
    assert!(!shown.contains("hunter2"), "{shown}");
}
