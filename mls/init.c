/* SPDX-License-Identifier: Apache-2.0 */
/* What a process may do once for the libraries below. */
#include "crypto/init.h"
#include "mls/include/sotto/mls.h"

enum sotto_err mls_init(void)
{
	return crypto_init();
}
