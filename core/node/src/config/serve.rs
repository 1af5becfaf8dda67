//! `[serve]`: what wallets and monitoring connect to.

use std::{path::PathBuf, time::Duration};

use electrode_protocol::ProtocolVersion;
use electrode_server::HttpHost;
use ipnet::IpNet;

use super::{
    read::Reader,
    service::{self, Address, Service},
};

/// `[serve]`: what wallets and monitoring connect to.
#[derive(Clone, Debug)]
pub(crate) struct ServeSection {
    /// Where wallets are served.
    pub(crate) services: Vec<Service>,
    /// Where operators are served.
    pub(crate) rpc: Vec<Service>,
    /// The file with the token that operators must know; unset: one that the server makes in the
    /// data directory.
    pub(crate) rpc_token_file: Option<PathBuf>,
    /// Whether operators need no token, as tools of `ElectrumX` cannot show one: every user of this
    /// machine is one then. Default no.
    pub(crate) rpc_without_token: bool,
    /// What `server.features` tells about the outside addresses of this server.
    pub(crate) report_services: Vec<Service>,
    /// Networks of proxies that say for whom they speak; default: none.
    pub(crate) proxy_protocol_from: Vec<IpNet>,
    /// Where `/metrics`, `/ready` and the status page are; unset: nowhere.
    pub(crate) http: Option<Address>,
    /// How long what is served may be older than what the node has before `/ready` says so.
    /// Default 10 s.
    pub(crate) ready_lag: Duration,
    /// Names that these may be asked for by, besides addresses and `localhost`; `*`: any.
    pub(crate) http_hosts: Vec<HttpHost>,
    /// The name that `server.version` answers. Default `Electrode`; some wallets choose how they
    /// batch by it.
    pub(crate) name: String,
    /// The text file behind `server.banner`, read again for every request.
    pub(crate) banner_file: Option<PathBuf>,
    /// The same for wallets that come through Tor; unset: as for the others.
    pub(crate) tor_banner_file: Option<PathBuf>,
    /// The address that `server.donation_address` answers.
    pub(crate) donation_address: Option<String>,
    /// The oldest protocol version served. Default 1.4.
    pub(crate) protocol_min: ProtocolVersion,
}

/// Reads the section.
pub(super) fn read(reader: &mut Reader<'_>) -> ServeSection {
    let services = reader.list("serve.services");
    let http = reader.optional("serve.http");
    reader.report(
        "serve.services",
        service::conflicts(&services, http.as_ref()),
    );
    let (rpc, services): (Vec<_>, Vec<_>) = services.into_iter().partition(Service::is_rpc);
    let rpc_token_file: Option<PathBuf> = reader.optional("serve.rpc_token_file");
    let rpc_without_token = reader.required("serve.rpc_without_token");
    if rpc_without_token {
        reader.report("serve.services", service::unguarded(&rpc));
    }
    if rpc_without_token && rpc_token_file.is_some() {
        let conflict = "expected no serve.rpc_token_file beside it: unset one of the two";
        reader.report("serve.rpc_without_token", vec![conflict.to_owned()]);
    }
    if services.is_empty() {
        let conflict = "expected at least one service for wallets, such as \"ssl://:50002\"";
        reader.report("serve.services", vec![conflict.to_owned()]);
    }
    let report_services = reader.list("serve.report_services");
    reader.report(
        "serve.report_services",
        service::unreportable(&report_services),
    );
    ServeSection {
        services,
        rpc,
        rpc_token_file,
        rpc_without_token,
        report_services,
        proxy_protocol_from: reader.list("serve.proxy_protocol_from"),
        http,
        ready_lag: reader.required("serve.ready_lag"),
        http_hosts: reader.list("serve.http_hosts"),
        name: reader.required("serve.name"),
        banner_file: reader.optional("serve.banner_file"),
        tor_banner_file: reader.optional("serve.tor_banner_file"),
        donation_address: reader.optional("serve.donation_address"),
        protocol_min: reader
            .optional("serve.protocol_min")
            .unwrap_or(ProtocolVersion::V1_4),
    }
}
