//! The controls of a sandbox, one by one, each with the same sandbox that goes without it.

use serde_json::{Map, Value};

use crate::scenario::{
    Capabilities, Limits, NamespaceKind, Role, SandboxSpec, SandboxUser, Seccomp, Sharing, units,
};

/// No limit, in the words of the kernel's files.
const NONE: &str = "max";

/// A control, and what had it without it.
pub(super) struct Switch<T> {
    /// Its key in the scenario format.
    pub(super) key: String,
    /// Its value.
    pub(super) from: String,
    /// Its value in what goes without.
    pub(super) to: String,
    /// What goes without.
    pub(super) without: T,
}

/// The controls of a sandbox. Those of a victim or a sidecar are its limits; what it may see and do is its own affair.
pub(super) fn switches(sandbox: &SandboxSpec) -> Vec<Switch<SandboxSpec>> {
    let with = |limits| SandboxSpec { limits, ..sandbox.clone() };
    let mut all: Vec<Switch<SandboxSpec>> = limits(&sandbox.limits)
        .into_iter()
        .map(|it| Switch { key: it.key, from: it.from, to: it.to, without: with(it.without) })
        .collect();
    if sandbox.role != Role::Attacker {
        return all;
    }
    let mut add = |key: String, (from, to): (&str, &str), change: &dyn Fn(&mut SandboxSpec)| {
        let mut without = sandbox.clone();
        change(&mut without);
        all.push(Switch { key, from: from.to_owned(), to: to.to_owned(), without });
    };
    for kind in NamespaceKind::ALL.into_iter().filter(|&kind| sandbox.namespaces.is_apart(kind)) {
        let words = (sandbox.namespaces.sharing(kind).name(), Sharing::Host.name());
        add(format!("namespaces.{}", kind.name()), words, &|it| {
            it.namespaces.0.insert(kind, Sharing::Host);
        });
    }
    if sandbox.user == SandboxUser::Own {
        add("user".to_owned(), ("own", "shared"), &|it| it.user = SandboxUser::Shared);
    }
    if sandbox.masked_paths && sandbox.namespaces.is_new(NamespaceKind::Mnt) {
        add("masked_paths".to_owned(), ("default", "none"), &|it| it.masked_paths = false);
    }
    if sandbox.capabilities != Capabilities::All {
        let from = sandbox.capabilities.shown();
        add("capabilities".to_owned(), (&from, "all"), &|it| it.capabilities = Capabilities::All);
    }
    if sandbox.no_new_privs {
        add("no_new_privs".to_owned(), ("true", "false"), &|it| it.no_new_privs = false);
    }
    if sandbox.seccomp == Seccomp::Default {
        let words = (Seccomp::Default.name(), Seccomp::Unconfined.name());
        add("seccomp".to_owned(), words, &|it| it.seccomp = Seccomp::Unconfined);
    }
    all
}

/// The limits, whatever there are, by the form in which records hold them: a limit that nobody gave is not in it.
pub(super) fn limits(limits: &Limits) -> Vec<Switch<Limits>> {
    let Ok(Value::Object(written)) = serde_json::to_value(limits) else {
        return Vec::new();
    };
    let mut all = Vec::new();
    let mut add = |key: String, from: String, rest: Map<String, Value>| {
        if let Ok(without) = serde_json::from_value::<Limits>(Value::Object(rest)) {
            let key = format!("limits.{key}");
            all.push(Switch { key, from, to: NONE.to_owned(), without });
        }
    };
    for (key, value) in &written {
        if let Value::Object(inner) = value {
            for (inner_key, value) in inner {
                let mut rest = written.clone();
                if let Some(Value::Object(inner)) = rest.get_mut(key) {
                    inner.remove(inner_key);
                }
                // Files of the kernel have whole names; rates are keys of `io`.
                let (name, shown) = match key.as_str() {
                    "unified" => (inner_key.clone(), plain(value)),
                    _ => spelt(&format!("{key}.{inner_key}"), value),
                };
                add(name, shown, rest);
            }
            continue;
        }
        let mut rest = written.clone();
        rest.remove(key);
        // Swap is what comes after memory: without a limit of memory there is none of both.
        if key == "memory_bytes" {
            rest.remove("swap_bytes");
        }
        let (name, shown) = spelt(key, value);
        add(name, shown, rest);
    }
    all
}

/// A limit as scenarios spell it, and its value.
fn spelt(key: &str, value: &Value) -> (String, String) {
    let amount = |shown: fn(u64) -> String| value.as_u64().map_or_else(|| plain(value), shown);
    let (name, shown) = match key {
        "net_egress_bits_per_second" => ("net.egress", amount(units::format_bits)),
        "net_ingress_bits_per_second" => ("net.ingress", amount(units::format_bits)),
        "io.rbps" | "io.wbps" => (key, amount(units::format_bytes)),
        _ => match (key.strip_suffix("_bytes"), key.strip_suffix("_millis")) {
            (Some(name), _) => (name, amount(units::format_bytes)),
            (_, Some(name)) => (name, amount(units::format_cpu)),
            _ => (key, plain(value)),
        },
    };
    (name.to_owned(), shown)
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
