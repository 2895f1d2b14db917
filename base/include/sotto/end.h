/* SPDX-License-Identifier: Apache-2.0 */
/* Closes what begin.h opened. */
#pragma pop_macro("MUST_USE")
#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
