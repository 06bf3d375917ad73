// Attributes of the hot loops. BEHOLDER_CLONES: the function is compiled for several instruction sets, and the loader picks one.
// BEHOLDER_FAST_CLONES: and sums may be reordered. BEHOLDER_INLINE: part of such a function, compiled with it.
#pragma once

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define BEHOLDER_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#define BEHOLDER_HAS_CLONES 1
#else
#define BEHOLDER_CLONES
#define BEHOLDER_HAS_CLONES 0
#endif

#define BEHOLDER_FAST_CLONES BEHOLDER_CLONES __attribute__((optimize("fast-math")))
#define BEHOLDER_INLINE __attribute__((always_inline)) inline
