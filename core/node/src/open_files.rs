//! Room for sessions: each is an open file to the system.

/// Files that the index, the node and everything else but sessions keep open at most.
const RESERVED: u64 = 900;

/// Files that they need on a small chain: without these even the first session could not be served.
const LEAST: u64 = 96;

/// Raises the limit of open files as far as the system lets it, and gives how many of `wanted`
/// sessions it has room for.
pub(crate) fn make_room(wanted: usize) -> usize {
    match rlimit::increase_nofile_limit(u64::MAX) {
        Ok(limit) => room(limit, wanted),
        Err(error) => {
            tracing::warn!(%error, "cannot raise the limit of open files");
            rlimit::Resource::NOFILE
                .get_soft()
                .map_or(wanted, |limit| room(limit, wanted))
        }
    }
}

fn room(limit: u64, wanted: usize) -> usize {
    // Where there is little, half of it is for sessions: some service is better than none.
    let room = limit.saturating_sub(RESERVED).max(limit / 2);
    let room = room.min(limit.saturating_sub(LEAST)).max(1);
    let room = usize::try_from(room).unwrap_or(usize::MAX);
    if room < wanted {
        tracing::warn!(
            wanted,
            room,
            limit,
            "limits.max_sessions is lowered to what the limit of open files has room for; raise \
             it (LimitNOFILE= of systemd, ulimit -n)"
        );
    }
    room.min(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaves_files_for_the_rest() {
        for (limit, wanted, expected) in [
            (1_048_576, 1000, 1000),
            (4096, 10_000, 3196),
            (1024, 1000, 512),
            (256, 1000, 128),
            (128, 1000, 32),
            (64, 1000, 1),
        ] {
            assert_eq!(room(limit, wanted), expected, "{limit}");
        }
    }

    #[test]
    fn raises_the_limit() {
        let [soft, hard] = [
            rlimit::Resource::NOFILE.get_soft(),
            rlimit::Resource::NOFILE.get_hard(),
        ];
        assert!(make_room(1) == 1);
        let raised = rlimit::Resource::NOFILE.get_soft().unwrap();
        assert!(raised >= soft.unwrap() && raised <= hard.unwrap());
    }
}
