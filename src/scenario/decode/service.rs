//! `service`: a program of others in the victim's sandbox, and how it is asked.

use super::command;
use crate::scenario::diagnostic::Problems;
use crate::scenario::node::{Entry, Node};
use crate::scenario::written::Located;
use crate::scenario::{Service, ServiceCheck, words};

/// The keys of a service.
pub(in crate::scenario) const KEYS: &[&str] = &["command", "tcp", "http"];
/// The keys of a page that is asked for.
pub(in crate::scenario) const HTTP_KEYS: &[&str] = &["port", "path", "status"];

/// Reads `{command: [nginx, …], http: {port: 8080, path: /, status: 200}}`, or with `tcp: 6379` in the place of `http`.
pub(super) fn service(node: &Node, problems: &mut Problems) -> Option<Located<Service>> {
    let entries = words::map(node, "`service`", problems)?;
    for entry in entries.iter().filter(|entry| !KEYS.contains(&entry.key.as_str())) {
        words::unknown(problems, entry.key_spot, "key in `service`", &entry.key, KEYS, &[]);
    }
    let of = |key: &str| entries.iter().find(|entry| entry.key == key);
    let command = match of("command") {
        Some(entry) => command::command(&entry.value, problems)?.value,
        None => {
            problems
                .add(node.spot, "`service` has no `command`")
                .help("write the program that serves, such as `command: [redis-server, --port, \"6379\"]`");
            return None;
        }
    };
    let check = match (of("tcp"), of("http")) {
        (Some(entry), None) => ServiceCheck::Tcp { port: port(&entry.value, "`tcp`", problems)? },
        (None, Some(entry)) => http(&entry.value, problems)?,
        _ => {
            problems
                .add(node.spot, "`service` needs either `tcp` or `http`, by which it is asked")
                .help("write `tcp: 6379` for connections, or `http: {port: 8080}` for pages");
            return None;
        }
    };
    Some(Located { value: Service { command, check }, spot: node.spot })
}

fn http(node: &Node, problems: &mut Problems) -> Option<ServiceCheck> {
    let entries = words::map(node, "`http`", problems)?;
    for entry in entries.iter().filter(|entry| !HTTP_KEYS.contains(&entry.key.as_str())) {
        words::unknown(problems, entry.key_spot, "key in `http`", &entry.key, HTTP_KEYS, &[]);
    }
    let of = |key: &str| -> Option<&Entry> { entries.iter().find(|entry| entry.key == key) };
    let Some(entry) = of("port") else {
        problems.add(node.spot, "`http` has no `port`").help("write `http: {port: 8080}`");
        return None;
    };
    let port = port(&entry.value, "`port`", problems)?;
    let path = match of("path") {
        None => "/".to_owned(),
        Some(entry) => {
            let path = words::scalar(&entry.value, "`path`", problems)?;
            let plain = path.value.starts_with('/')
                && path.value.len() <= 1024
                && path.value.bytes().all(|byte| byte.is_ascii_graphic());
            if !plain {
                problems
                    .add(path.spot, "`path` must begin with `/` and have no blanks")
                    .help("write it as it stands in a request, such as `/health?deep=1`");
                return None;
            }
            path.value.to_owned()
        }
    };
    let status = match of("status") {
        None => 200,
        Some(entry) => words::count(&entry.value, "`status`", 100..=599, problems)?.value,
    };
    Some(ServiceCheck::Http { port, path, status: u16::try_from(status).ok()? })
}

fn port(node: &Node, what: &str, problems: &mut Problems) -> Option<u16> {
    let port = words::count(node, what, 1..=65_535, problems)?;
    u16::try_from(port.value).ok()
}
