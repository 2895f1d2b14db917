/* SPDX-License-Identifier: Apache-2.0 */
/* getrandom(2), completed after signals. */
#include "os/random.h"

#include <errno.h>
#include <sys/random.h>
#include <sys/types.h>

#include "base/bytes.h"

static enum sotto_err random_fill_from_kernel(void *context, uint8_t *out, size_t len)
{
	size_t done = 0;

	(void)context;
	while (done < len) {
		ssize_t got = getrandom(out + done, len - done, 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0) {
			bytes_wipe(out, len);
			return SOTTO_ERR_RANDOM;
		}
		done += (size_t)got;
	}
	return SOTTO_OK;
}

const struct random_source os_random = {.fill = random_fill_from_kernel};

const struct random_source *sotto_random_kernel(void)
{
	return &os_random;
}
