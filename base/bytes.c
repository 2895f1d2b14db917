/* SPDX-License-Identifier: Apache-2.0 */
/* Comparing, wiping and copying spans and secrets. */
#include "base/bytes.h"

#include <string.h>

#include "base/assert.h"

bool bytes_equal(struct bytes a, struct bytes b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

int bytes_compare(struct bytes a, struct bytes b)
{
	size_t common = a.len < b.len ? a.len : b.len;
	int order = common == 0 ? 0 : memcmp(a.data, b.data, common);

	if (order != 0)
		return order;
	return a.len < b.len ? -1 : a.len > b.len;
}

bool bytes_equal_ct(const void *a, const void *b, size_t len)
{
	const volatile uint8_t *left = a;
	const volatile uint8_t *right = b;
	uint32_t difference = 0;

	for (size_t i = 0; i < len; i++)
		difference |= (uint32_t)(left[i] ^ right[i]);
	return ((difference - 1) >> 31) != 0;
}

void bytes_wipe(void *data, size_t len)
{
	if (len != 0)
		explicit_bzero(data, len);
}

void sotto_wipe(void *data, size_t len)
{
	bytes_wipe(data, len);
}

void secret_set(struct secret *secret, const void *data, size_t len)
{
	ASSERT(len <= SECRET_LEN_MAX);
	if (len != 0)
		memmove(secret->data, data, len);
	bytes_wipe(secret->data + len, SECRET_LEN_MAX - len);
	secret->len = (uint8_t)len;
}

void secret_wipe(struct secret *secret)
{
	if (secret != NULL)
		bytes_wipe(secret, sizeof(*secret));
}

bool secret_equal(const struct secret *a, const struct secret *b)
{
	return a->len == b->len && bytes_equal_ct(a->data, b->data, a->len);
}
