//! The 64 rounds of SHA-256 (FIPS 180-4, 6.2.2), for any kind of vector that holds one word of each lane.

/// Compresses one block of every lane.
///
/// `$state` is the state before the block, `[V; 8]`; `$words` the block's big-endian words, `[V; 16]`.
/// The value is the state after it.  The kernel that uses it has in scope `add`, `choose`, `majority`,
/// `big_sigma0`, `big_sigma1`, `small_sigma0` and `small_sigma1` on its vectors, and `broadcast` that gives
/// a word to every lane; and `ROUND`.
///
/// It is a macro so that it becomes part of a function that is compiled for the processor's feature.
macro_rules! compress_block {
    ($state:expr, $words:expr) => {{
        let before = $state;
        let mut w = $words;
        let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = before;

        macro_rules! round {
            ($va:ident $vb:ident $vc:ident $vd:ident $ve:ident $vf:ident $vg:ident $vh:ident, $t:ident, $i:expr) => {
                let t1 = add(
                    add(add($vh, add(w[$i], broadcast($t[$i]))), choose($ve, $vf, $vg)),
                    big_sigma1($ve),
                );
                $vd = add($vd, t1);
                $vh = add(add(t1, majority($va, $vb, $vc)), big_sigma0($va));
            };
        }
        macro_rules! sixteen_rounds {
            ($t:ident, $before_round:ident) => {
                $before_round!(0);
                round!(a b c d e f g h, $t, 0);
                $before_round!(1);
                round!(h a b c d e f g, $t, 1);
                $before_round!(2);
                round!(g h a b c d e f, $t, 2);
                $before_round!(3);
                round!(f g h a b c d e, $t, 3);
                $before_round!(4);
                round!(e f g h a b c d, $t, 4);
                $before_round!(5);
                round!(d e f g h a b c, $t, 5);
                $before_round!(6);
                round!(c d e f g h a b, $t, 6);
                $before_round!(7);
                round!(b c d e f g h a, $t, 7);
                $before_round!(8);
                round!(a b c d e f g h, $t, 8);
                $before_round!(9);
                round!(h a b c d e f g, $t, 9);
                $before_round!(10);
                round!(g h a b c d e f, $t, 10);
                $before_round!(11);
                round!(f g h a b c d e, $t, 11);
                $before_round!(12);
                round!(e f g h a b c d, $t, 12);
                $before_round!(13);
                round!(d e f g h a b c, $t, 13);
                $before_round!(14);
                round!(c d e f g h a b, $t, 14);
                $before_round!(15);
                round!(b c d e f g h a, $t, 15);
            };
        }
        macro_rules! word_is_there {
            ($i:expr) => {};
        }
        // The sixteen words that follow take the place of the sixteen before, one by one.
        macro_rules! next_word {
            ($i:expr) => {
                w[$i] = add(
                    add(w[$i], small_sigma0(w[($i + 1) % 16])),
                    add(w[($i + 9) % 16], small_sigma1(w[($i + 14) % 16])),
                );
            };
        }

        let [first, others @ ..] = &ROUND.0;
        sixteen_rounds!(first, word_is_there);
        for constants in others {
            sixteen_rounds!(constants, next_word);
        }
        [
            add(a, before[0]),
            add(b, before[1]),
            add(c, before[2]),
            add(d, before[3]),
            add(e, before[4]),
            add(f, before[5]),
            add(g, before[6]),
            add(h, before[7]),
        ]
    }};
}
pub(super) use compress_block;
