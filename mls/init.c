/* SPDX-License-Identifier: Apache-2.0 */
/* What a process may do once for the libraries below, each on its own. */
#include "crypto/init.h"
#include "mls/include/sotto/mls.h"

enum sotto_err mls_init(void)
{
	return crypto_sodium_init();
}

void mls_gmp_wipe(void)
{
	crypto_gmp_wipe();
}
