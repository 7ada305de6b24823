//! Checks that a service accepts connections, for `doctor --online`. The only file that opens a
//! socket; nothing is sent.

use std::net::{TcpStream, ToSocketAddrs};
use std::sync::mpsc;
use std::time::Duration;

use crate::plan::service::ServiceUrl;
use crate::settings::Environment;
use crate::system_error::reason;

/// How long to wait for the name server, and how long for each connection.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Whether an address can be reached.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Connectivity {
    /// It accepts connections.
    Yes,
    /// It does not, with the reason: the end of a sentence.
    No(String),
    /// Not tried: cosign would use the proxy that this variable names.
    ThroughProxy(&'static str),
}

/// Connects to the host and port of `url`, and disconnects.
pub(crate) fn reach(url: &ServiceUrl, environment: &Environment) -> Connectivity {
    let proxies: &[&'static str] =
        if url.is_encrypted() { &["HTTPS_PROXY", "https_proxy"] } else { &["HTTP_PROXY", "http_proxy"] };
    let is_set = |name: &&str| environment.get(name).is_some_and(|value| !value.is_empty());
    // For this machine cosign uses no proxy.
    if let Some(proxy) = proxies.iter().find(|name| is_set(name) && !url.is_loopback()) {
        return Connectivity::ThroughProxy(proxy);
    }
    let (host, port) = url.host_and_port();
    let (send, received) = mpsc::channel();
    // The resolver has no timeout: a thread that it blocks ends with the process.
    std::thread::spawn(move || send.send((host.as_str(), port).to_socket_addrs()));
    let addresses = match received.recv_timeout(TIMEOUT) {
        Ok(Ok(addresses)) => addresses,
        Ok(Err(_)) => return Connectivity::No("its host name cannot be resolved".into()),
        Err(_) => return Connectivity::No("the name server did not answer in time".into()),
    };
    let mut last = Connectivity::No("its host name has no address".into());
    for address in addresses {
        match TcpStream::connect_timeout(&address, TIMEOUT) {
            Ok(_) => return Connectivity::Yes,
            Err(error) => last = Connectivity::No(format!("{address}: {}", reason(&error))),
        }
    }
    last
}
