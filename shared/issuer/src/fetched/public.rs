//! Which addresses are public: SSRF, the attack in which a URL of somebody else's choice makes the
//! issuer ask what only it can reach, such as the metadata of a machine.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whether an address is one of the public internet, by IANA's registries of special-purpose addresses
/// (RFC 6890). Of an IPv6 address that stands for an IPv4 address, that one decides.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => match embedded(address) {
            Some(address) => is_public_v4(address),
            None => is_public_v6(address),
        },
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let bits = address.to_bits();
    let within =
        |(network, length): &(Ipv4Addr, u32)| (bits ^ network.to_bits()) >> (32 - length) == 0;
    !NOT_PUBLIC_V4.iter().any(within)
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let bits = address.to_bits();
    let within =
        |(network, length): &(Ipv6Addr, u32)| (bits ^ network.to_bits()) >> (128 - length) == 0;
    within(&GLOBAL_UNICAST) && !NOT_PUBLIC_V6.iter().any(within)
}

/// The IPv4 address to which packets for this address are translated or tunnelled.
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let [a, b, c, d, e, f, g, h] = address.segments();
    let joined = |high: u16, low: u16| Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low));
    match [a, b, c, d, e, f] {
        // Mapped (RFC 4291 §2.5.5.2), and translated by NAT64 (RFC 6052 §2.1).
        [0, 0, 0, 0, 0, 0xffff] | [0x64, 0xff9b, 0, 0, 0, 0] => Some(joined(g, h)),
        // 6to4 (RFC 3056 §2).
        [0x2002, ..] => Some(joined(b, c)),
        _ => None,
    }
}

/// The registry's blocks, without what stands within another one; multicast; and what was 6to4's
/// relay.
const NOT_PUBLIC_V4: [(Ipv4Addr, u32); 15] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
];

/// All that IANA has given out as public so far; the rest of the space is special or unassigned.
const GLOBAL_UNICAST: (Ipv6Addr, u32) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);

/// The registry's blocks within it.
const NOT_PUBLIC_V6: [(Ipv6Addr, u32); 3] = [
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// The rows of both registries, and multicast: first and last address of each block.
    const SPECIAL: [[&str; 2]; 42] = [
        ["0.0.0.0", "0.255.255.255"],
        ["10.0.0.0", "10.255.255.255"],
        ["100.64.0.0", "100.127.255.255"],
        ["127.0.0.0", "127.255.255.255"],
        ["169.254.0.0", "169.254.255.255"],
        ["172.16.0.0", "172.31.255.255"],
        ["192.0.0.0", "192.0.0.255"],
        ["192.0.2.0", "192.0.2.255"],
        ["192.88.99.0", "192.88.99.255"],
        ["192.168.0.0", "192.168.255.255"],
        ["198.18.0.0", "198.19.255.255"],
        ["198.51.100.0", "198.51.100.255"],
        ["203.0.113.0", "203.0.113.255"],
        ["224.0.0.0", "239.255.255.255"],
        ["240.0.0.0", "255.255.255.255"],
        ["::", "::1"],
        ["::ffff:0.0.0.0", "::ffff:0.255.255.255"],
        ["::ffff:10.0.0.0", "::ffff:10.255.255.255"],
        ["::ffff:127.0.0.1", "::ffff:169.254.169.254"],
        ["64:ff9b::10.0.0.0", "64:ff9b::10.255.255.255"],
        ["64:ff9b::127.0.0.1", "64:ff9b::169.254.169.254"],
        ["64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff"],
        ["100::", "100::ffff:ffff:ffff:ffff"],
        ["100:0:0:1::", "100:0:0:1:ffff:ffff:ffff:ffff"],
        ["2001::", "2001:0:ffff:ffff:ffff:ffff:ffff:ffff"],
        ["2001:1::1", "2001:1::3"],
        ["2001:2::", "2001:2:0:ffff:ffff:ffff:ffff:ffff"],
        ["2001:3::", "2001:4:112:ffff:ffff:ffff:ffff:ffff"],
        ["2001:10::", "2001:1f:ffff:ffff:ffff:ffff:ffff:ffff"],
        ["2001:20::", "2001:2f:ffff:ffff:ffff:ffff:ffff:ffff"],
        ["2001:30::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff"],
        ["2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"],
        ["2002:a00::", "2002:aff:ffff:ffff:ffff:ffff:ffff:ffff"],
        ["2002:7f00:1::", "2002:a9fe:a9fe::1"],
        ["2002:c0a8::", "2002:c0a8:ffff::"],
        ["3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff"],
        ["5f00::", "5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff"],
        ["fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"],
        ["fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff"],
        ["fec0::", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"],
        ["ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"],
        ["fd00:ec2::254", "fd00:ec2::254"],
    ];

    #[test]
    fn rfc6890_2_2_an_address_of_a_special_purpose_is_not_public() {
        for address in SPECIAL.into_iter().flatten() {
            assert!(
                !is_public(address.parse().expect("an address")),
                "{address}"
            );
        }
    }

    #[test]
    fn the_neighbours_of_special_addresses_are_public() {
        for address in [
            "1.0.0.0",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "169.253.255.255",
            "169.255.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.0",
            "192.0.3.0",
            "192.88.98.255",
            "192.88.100.0",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "198.51.99.255",
            "198.51.101.0",
            "203.0.112.255",
            "203.0.114.0",
            "223.255.255.255",
            "::ffff:8.8.8.8",
            "64:ff9b::8.8.8.8",
            "2002:808:808::1",
            "2000::",
            "2001:200::",
            "2001:db7:ffff::",
            "2001:db9::",
            "2003::",
            "2600:9000::1",
            "3ffe:ffff::",
            "3fff:1000::",
        ] {
            assert!(is_public(address.parse().expect("an address")), "{address}");
        }
    }
}
