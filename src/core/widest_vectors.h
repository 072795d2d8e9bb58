// Loops of our own arithmetic in the widest vectors of the CPU that runs them.
#pragma once

/// Before a function: it is compiled twice, for AVX2 and for every CPU of the architecture, and the right one is chosen
/// when the program starts. Its results must not depend on how wide the vectors are: the compiler never contracts or
/// reorders our arithmetic, so what must not be there is code of one's own that does. Functions that it calls count if
/// they are inlined into it.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__)
#define TELLTALE_WIDEST_VECTORS __attribute__((target_clones("avx2", "default")))
#else
#define TELLTALE_WIDEST_VECTORS
#endif
