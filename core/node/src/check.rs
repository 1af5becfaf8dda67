//! `config check`: everything that can be known of a configuration without serving.

use crate::{Failure, config::Config, data_dir, listen, log, permissions, reload, tls};

/// Tells every problem at once, and what others can read that they should not.
///
/// It changes nothing: what a server would make at its first start may still be missing.
pub(crate) async fn check(config: &Config) -> Result<(), Failure> {
    permissions::warnings(config).iter().for_each(log::complain);
    let mut failures = Vec::new();
    failures.extend(tls::check(config).err().map(Failure::from));
    failures.extend(data_dir::check(&config.data_dir).err());
    let token = reload::token_file(&config.data_dir, &config.serve);
    let read = token.map(|file| file.read_if_there());
    failures.extend(read.and_then(Result::err).map(Failure::from));
    // The server of this configuration has its addresses itself.
    if data_dir::is_in_use(&config.data_dir) {
        log::say("its server is running: whether its addresses are free was not tried")?;
    } else {
        failures.extend(listen::reserve_all(&config.serve).await.err());
    }
    let Some(last) = failures.pop() else {
        return log::say("the configuration is fine");
    };
    failures.iter().for_each(log::complain);
    Err(last)
}
