/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of every point of something (each stop, each bit) that take minutes under a sanitizer or in an emulator: there
 * every nth point is enough, as the other builds run all of them.
 */
#ifndef TESTS_SPARSE_H
#define TESTS_SPARSE_H

#if defined(__SANITIZE_ADDRESS__) || defined(SOTTO_EMULATED)
#define SPARSE(n) (n)
#else
#define SPARSE(n) 1
#endif

#endif
