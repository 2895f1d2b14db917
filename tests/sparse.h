/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of every point of something (each stop, each byte) that take minutes under a sanitizer: there every nth point
 * is enough, as the other builds run all of them.
 */
#ifndef TESTS_SPARSE_H
#define TESTS_SPARSE_H

#ifdef __SANITIZE_ADDRESS__
#define SPARSE(n) (n)
#else
#define SPARSE(n) 1
#endif

#endif
