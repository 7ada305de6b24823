//! Whether somebody answers at an address: the only file that opens a socket, for `doctor --online` alone.
//! Nothing is sent.

use std::net::{TcpStream, ToSocketAddrs};
use std::sync::mpsc;
use std::time::Duration;

use crate::plan::service::ServiceUrl;
use crate::settings::Environment;
use crate::system_error::reason;

/// How long is waited for an answer, and how long for the address of a name.
const PATIENCE: Duration = Duration::from_secs(5);

/// What was found out about an address.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Connectivity {
    /// Somebody takes connections there.
    Yes,
    /// Nobody does: the end of a sentence.
    No(String),
    /// A proxy would be asked in its place.
    ThroughProxy(&'static str),
}

/// Connects to the host and port of `url`, and hangs up.
pub(crate) fn reach(url: &ServiceUrl, environment: &Environment) -> Connectivity {
    let proxies: &[&'static str] =
        if url.is_encrypted() { &["HTTPS_PROXY", "https_proxy"] } else { &["HTTP_PROXY", "http_proxy"] };
    let is_set = |name: &&str| environment.get(name).is_some_and(|value| !value.is_empty());
    // cosign asks no proxy for this machine.
    if let Some(proxy) = proxies.iter().find(|name| is_set(name) && !url.is_loopback()) {
        return Connectivity::ThroughProxy(proxy);
    }
    let (host, port) = url.host_and_port();
    let (send, received) = mpsc::channel();
    // The resolver knows no clock; a thread that it holds up ends with the process.
    std::thread::spawn(move || send.send((host.as_str(), port).to_socket_addrs()));
    let addresses = match received.recv_timeout(PATIENCE) {
        Ok(Ok(addresses)) => addresses,
        Ok(Err(_)) => return Connectivity::No("its host name cannot be resolved".into()),
        Err(_) => return Connectivity::No("the name server did not answer in time".into()),
    };
    let mut last = Connectivity::No("its host name has no address".into());
    for address in addresses {
        match TcpStream::connect_timeout(&address, PATIENCE) {
            Ok(_) => return Connectivity::Yes,
            Err(error) => last = Connectivity::No(format!("{address}: {}", reason(&error))),
        }
    }
    last
}
