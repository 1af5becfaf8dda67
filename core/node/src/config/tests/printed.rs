//! The configuration as it is printed.

use super::*;

#[test]
fn prints_every_setting_with_its_source() {
    let file = file_of("net = 'signet'\n[limits]\nmax_sessions = 5\n[index]\nreorg_limit = 300\n");
    let loaded = Config::load(Sources {
        file: Some(file.path().to_owned()),
        env: env(&[
            ("COIN", "Bitcoin"),
            ("HOME", "/home/op"),
            ("DB_DIRECTORY", "~/index"),
            ("DAEMON_URL", "http://op:secret@node:8332,other"),
            ("ELECTRODE_DAEMON__ZMQ", "tcp://127.0.0.1:28332"),
        ]),
        overrides: vec![("serve.services", "tcp://:50001".to_owned())],
    });
    let config = loaded.unwrap().config;
    let expected = include_str!("printed.toml");
    assert_eq!(config.print(None), expected);
    let with_port = expected.replace(
        "urls = [\"http://***@node:8332\", \"other\"]     #",
        "urls = [\"http://***@node:8332/\", \"http://other:38332/\"] #",
    );
    assert_ne!(with_port, expected);
    assert_eq!(config.print(Some(38332)), with_port);
}

#[test]
fn loads_what_it_prints() {
    let printed = load_env(REQUIRED).unwrap().config.print(Some(8332));
    let again = load_file(&printed).unwrap().config.print(Some(8332));
    let values = |text: &str| {
        let lines = text
            .lines()
            .map(|line| line.split(" # ").next().unwrap().trim().to_owned());
        lines.collect::<Vec<_>>()
    };
    assert_eq!(values(&again), values(&printed));
}
