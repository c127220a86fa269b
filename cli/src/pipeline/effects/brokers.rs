//! What works for others on request, and how its use is recognised: the one table.

/// Something that does work for whoever asks: the asking is in the record, the work is not.
#[derive(Debug)]
pub(super) struct Broker {
    /// Its name in events and on pages.
    pub(super) name: &'static str,
    /// Patterns of the paths of its sockets.
    pub(super) sockets: &'static [&'static str],
    /// Patterns of its abstract sockets, without the leading NUL.
    pub(super) abstracts: &'static [&'static str],
    /// File names of its programs, as the peer of a socket runs them.
    pub(super) programs: &'static [&'static str],
    /// TCP ports of this machine (127.0.0.0/8 and ::1).
    pub(super) ports: &'static [u16],
    /// Patterns of files that it reads its orders from.
    pub(super) files: &'static [&'static str],
}

const NONE: Broker =
    Broker { name: "", sockets: &[], abstracts: &[], programs: &[], ports: &[], files: &[] };

/// The first one that fits names the use. In a pattern `*` is any run of bytes but `/`, `**` any.
pub(super) const BROKERS: &[Broker] = &[
    Broker {
        name: "docker",
        sockets: &[
            "/run/docker.sock",
            "/var/run/docker.sock",
            "/run/user/*/docker.sock",
            "**/.docker/run/docker.sock",
            "**/.docker/desktop/docker.sock",
        ],
        programs: &["dockerd"],
        ..NONE
    },
    Broker {
        name: "containerd",
        sockets: &[
            "/run/containerd/containerd.sock*",
            "/run/docker/containerd/containerd.sock*",
            "/run/k3s/containerd/containerd.sock*",
            "/run/user/*/containerd/containerd.sock*",
        ],
        programs: &["containerd"],
        ..NONE
    },
    Broker {
        name: "podman",
        sockets: &["/run/podman/podman.sock", "/run/user/*/podman/podman.sock"],
        programs: &["podman"],
        ..NONE
    },
    Broker { name: "cri-o", sockets: &["/run/crio/crio.sock"], programs: &["crio"], ..NONE },
    Broker {
        name: "buildkit",
        sockets: &["/run/buildkit/buildkitd.sock", "/run/user/*/buildkit/buildkitd.sock"],
        programs: &["buildkitd"],
        ..NONE
    },
    Broker {
        name: "lxd",
        sockets: &[
            "/var/lib/lxd/unix.socket",
            "/var/snap/lxd/common/lxd/unix.socket",
            "/var/lib/incus/unix.socket*",
        ],
        programs: &["lxd", "incusd"],
        ..NONE
    },
    Broker {
        name: "libvirt",
        sockets: &["/run/libvirt/**", "/var/run/libvirt/**", "/run/user/*/libvirt/**"],
        programs: &["libvirtd", "virtqemud", "virtlxcd"],
        ..NONE
    },
    Broker { name: "snapd", sockets: &["/run/snapd*.socket"], programs: &["snapd"], ..NONE },
    // No program: systemd listens for services that it starts when somebody asks for them.
    Broker {
        name: "systemd",
        sockets: &["/run/systemd/private", "/run/user/*/systemd/private"],
        files: &[
            "/etc/systemd/system/**",
            "/etc/systemd/user/**",
            "/run/systemd/system/**",
            "/run/systemd/transient/**",
            "/run/user/*/systemd/**",
            "/usr/lib/systemd/system/**",
            "/lib/systemd/system/**",
            "**/.config/systemd/user/**",
        ],
        ..NONE
    },
    Broker {
        name: "dbus",
        sockets: &[
            "/run/dbus/system_bus_socket",
            "/var/run/dbus/system_bus_socket",
            "/run/user/*/bus",
        ],
        abstracts: &["/tmp/dbus-*"],
        programs: &["dbus-daemon", "dbus-broker", "dbus-broker-launch"],
        ..NONE
    },
    Broker {
        name: "at",
        files: &["/var/spool/at/**", "/var/spool/cron/atjobs/**", "/var/spool/atjobs/**"],
        ..NONE
    },
    Broker {
        name: "cron",
        files: &[
            "/var/spool/cron/**",
            "/etc/crontab",
            "/etc/cron.d/**",
            "/etc/cron.hourly/**",
            "/etc/cron.daily/**",
            "/etc/cron.weekly/**",
            "/etc/cron.monthly/**",
            "/etc/anacrontab",
        ],
        ..NONE
    },
    Broker { name: "ssh", ports: &[22], ..NONE },
    Broker {
        name: "tmux",
        sockets: &["/tmp/tmux-*/*", "/run/tmux/**"],
        programs: &["tmux"],
        ..NONE
    },
    Broker {
        name: "screen",
        sockets: &["/run/screen/S-*/*", "/var/run/screen/S-*/*", "/tmp/screens/S-*/*"],
        programs: &["screen"],
        ..NONE
    },
    Broker {
        name: "gpg-agent",
        sockets: &["/run/user/*/gnupg/**", "**/.gnupg/S.*"],
        programs: &["gpg-agent"],
        ..NONE
    },
    Broker {
        name: "ssh-agent",
        sockets: &[
            "/tmp/ssh-*/agent.*",
            "/run/user/*/ssh-agent.*",
            "/run/user/*/openssh_agent",
            "/run/user/*/keyring/ssh",
            "**/.ssh/agent/*",
        ],
        programs: &["ssh-agent"],
        ..NONE
    },
    Broker {
        name: "x11",
        sockets: &["/tmp/.X11-unix/X*"],
        abstracts: &["/tmp/.X11-unix/X*"],
        programs: &["Xorg", "Xwayland", "Xvfb"],
        ..NONE
    },
    Broker { name: "wayland", sockets: &["/run/user/*/wayland-*"], ..NONE },
    Broker {
        name: "udev",
        sockets: &["/run/udev/control"],
        files: &["/etc/udev/rules.d/**", "/run/udev/rules.d/**"],
        ..NONE
    },
];

/// Whether `bytes` is of the form of `pattern`.
pub(super) fn fits(pattern: &[u8], bytes: &[u8]) -> bool {
    if let Some(rest) = pattern.strip_prefix(b"**") {
        return (0..=bytes.len()).any(|at| fits(rest, bytes.get(at..).unwrap_or_default()));
    }
    match (pattern.split_first(), bytes.split_first()) {
        (None, None) => true,
        (Some((b'*', rest)), _) => {
            let name = bytes.iter().position(|byte| *byte == b'/').unwrap_or(bytes.len());
            (0..=name).any(|at| fits(rest, bytes.get(at..).unwrap_or_default()))
        }
        (Some((one, pattern)), Some((other, bytes))) => one == other && fits(pattern, bytes),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::{BROKERS, fits};

    fn check(pattern: &str, yes: &[&str], no: &[&str]) {
        for path in yes {
            assert!(fits(pattern.as_bytes(), path.as_bytes()), "{pattern} and {path}");
        }
        for path in no {
            assert!(!fits(pattern.as_bytes(), path.as_bytes()), "{pattern} and {path}");
        }
    }

    #[test]
    fn a_star_ends_at_a_slash_and_two_do_not() {
        check("/run/user/*/bus", &["/run/user/0/bus"], &["/run/user/0/x/bus", "/run/user/bus"]);
        check("/etc/cron.d/**", &["/etc/cron.d/a", "/etc/cron.d/a/b"], &["/etc/cron.d", "/a"]);
        check("**/.gnupg/S.*", &["/root/.gnupg/S.gpg-agent"], &["/root/.gnupg/x/S.a"]);
        check("/run/snapd*.socket", &["/run/snapd.socket", "/run/snapd-snap.socket"], &["/run/s"]);
        check("", &[""], &["a"]);
    }

    #[test]
    fn names_are_unique_and_each_broker_can_be_recognised() {
        for (index, broker) in BROKERS.iter().enumerate() {
            let rest = BROKERS.iter().skip(index + 1);
            assert!(rest.clone().all(|other| other.name != broker.name), "{}", broker.name);
            let ways = broker.sockets.len() + broker.files.len() + broker.ports.len();
            assert!(ways + broker.programs.len() > 0, "{}", broker.name);
            for pattern in broker.sockets.iter().chain(broker.files) {
                assert!(pattern.starts_with('/') || pattern.starts_with("**/"), "{pattern}");
                assert!(pattern.matches("**").count() <= 2, "{pattern}: costs too much");
            }
        }
    }
}
