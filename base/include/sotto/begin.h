/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opens the declarations of a public header; end.h closes them. No guard: each header includes both. In
 * between, names have C linkage in C++ and are exported by the shared library, and MUST_USE warns of
 * results that are not looked at. Outside, MUST_USE is whatever it was before.
 */
#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)
#pragma push_macro("MUST_USE")
#undef MUST_USE
#define MUST_USE __attribute__((warn_unused_result))
