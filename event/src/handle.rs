//! Inode numbers out of file handles.
//!
//! A handle is opaque by contract, but each file system keeps its form for ever, because NFS clients
//! hold on to it. Where the form is known here, a record of fanotify and a record of an open can be
//! seen to be about the same file, also when the file is gone.

/// `FILEID_INO32_GEN` and `FILEID_INO32_GEN_PARENT` (include/linux/exportfs.h, v6.18).
const INO32: [i32; 2] = [1, 2];
/// `XFS_FILEID_TYPE_64FLAG` with each of the two.
const XFS_INO64: [i32; 2] = [0x81, 0x82];
/// `FILEID_KERNFS`.
const KERNFS: i32 = 0xfe;

/// Returns inode number and generation of the file that a handle names, if the form is known for file
/// systems of type `fs_type` (as in mountinfo).
#[must_use]
pub fn inode(fs_type: &[u8], kind: i32, bytes: &[u8]) -> Option<(u64, u32)> {
    match fs_type {
        b"ext2" | b"ext3" | b"ext4" if INO32.contains(&kind) => ino32(bytes),
        b"xfs" if INO32.contains(&kind) => ino32(bytes),
        // struct xfs_fid64, packed (fs/xfs/xfs_export.h).
        b"xfs" if XFS_INO64.contains(&kind) => {
            let (ino, rest) = bytes.split_first_chunk()?;
            Some((u64::from_ne_bytes(*ino), word(rest, 0)?))
        }
        // shmem_encode_fh (mm/shmem.c): generation, then the number's low and high half.
        b"tmpfs" | b"devtmpfs" if kind == 1 && bytes.len() == 12 => {
            let (low, high) = (word(bytes, 1)?, word(bytes, 2)?);
            Some((u64::from(high) << 32 | u64::from(low), word(bytes, 0)?))
        }
        // kernfs_encode_fh (fs/kernfs/mount.c): the 64-bit id, which is the number; such inodes are
        // never used again, so their generation is 1 (`kernfs_gen`, include/linux/kernfs.h).
        b"cgroup" | b"cgroup2" if kind == KERNFS => {
            let (id, _) = bytes.split_first_chunk()?;
            Some((u64::from_ne_bytes(*id), 1))
        }
        _ => None,
    }
}

/// Whether the handles of all files that can be executed on a file system of this type are of a form that is
/// known.
#[must_use]
pub fn is_known(fs_type: &[u8]) -> bool {
    matches!(fs_type, b"ext2" | b"ext3" | b"ext4" | b"xfs" | b"tmpfs")
}

/// Returns the low half of the inode number where the form [`is_known`], without being told the type of the file
/// system; where it is not, some other number.
#[must_use]
pub fn low_half(kind: i32, bytes: &[u8]) -> Option<u32> {
    // Of those forms only that of tmpfs begins with the generation.
    word(bytes, usize::from(kind == 1 && bytes.len() == 12))
}

/// `struct fid`, `i32`: number, generation.
fn ino32(bytes: &[u8]) -> Option<(u64, u32)> {
    Some((u64::from(word(bytes, 0)?), word(bytes, 1)?))
}

/// The 32-bit word with this number.
fn word(bytes: &[u8], index: usize) -> Option<u32> {
    let (word, _) = bytes.get(index * 4..)?.split_first_chunk()?;
    Some(u32::from_ne_bytes(*word))
}

#[cfg(test)]
mod tests {
    use super::{inode, is_known, low_half};
    use proptest::prelude::*;

    fn words(words: &[u32]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_ne_bytes()).collect()
    }

    #[test]
    fn an_ext4_handle_is_number_then_generation() {
        for fs_type in [b"ext2", b"ext3", b"ext4"] {
            assert_eq!(inode(fs_type, 1, &words(&[7, 9])), Some((7, 9)));
            assert_eq!(inode(fs_type, 2, &words(&[7, 9, 2, 0])), Some((7, 9)));
        }
    }

    #[test]
    fn a_tmpfs_handle_is_generation_then_number_in_two_halves() {
        assert_eq!(inode(b"tmpfs", 1, &words(&[9, 7, 1])), Some((1 << 32 | 7, 9)));
        assert_eq!(inode(b"tmpfs", 1, &words(&[9, 7])), None);
    }

    #[test]
    fn the_low_half_is_that_of_the_number() {
        let wide = [&(5_u64 << 32 | 7).to_ne_bytes()[..], &9_u32.to_ne_bytes()].concat();
        let forms = [
            (&b"ext4"[..], 1, words(&[7, 9])),
            (b"tmpfs", 1, words(&[9, 7, 1])),
            (b"xfs", 0x81, wide),
        ];
        for (fs_type, kind, bytes) in forms {
            let (ino, _) = inode(fs_type, kind, &bytes).expect("a form that is known");
            assert_eq!(low_half(kind, &bytes), Some(ino as u32), "{}", fs_type.escape_ascii());
            assert!(is_known(fs_type));
        }
    }

    #[test]
    fn an_xfs_handle_has_one_of_two_widths() {
        assert_eq!(inode(b"xfs", 1, &words(&[7, 9])), Some((7, 9)));
        let wide = [&(1_u64 << 33).to_ne_bytes()[..], &9_u32.to_ne_bytes()].concat();
        assert_eq!(inode(b"xfs", 0x81, &wide), Some((1 << 33, 9)));
        assert_eq!(inode(b"xfs", 0x82, &[wide, vec![0; 12]].concat()), Some((1 << 33, 9)));
    }

    #[test]
    fn a_form_that_is_not_known_gives_nothing() {
        assert_eq!(inode(b"btrfs", 0x4d, &[0; 20]), None);
        assert_eq!(inode(b"ext4", 0xff, &[0; 20]), None);
        assert_eq!(inode(b"ext4", 1, &[0; 7]), None);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(
            fs in prop::sample::select(vec!["ext4", "xfs", "tmpfs", "cgroup2", "nfs"]),
            kind in prop::sample::select(vec![-1, 0, 1, 2, 0x81, 0x82, 0xfe]),
            bytes in prop::collection::vec(any::<u8>(), 0..40),
        ) {
            let _ = inode(fs.as_bytes(), kind, &bytes);
        }
    }
}
