/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prints a key package in hex, as one who is not ours may make it: GREASE values (RFC 9420 section 13.5) in
 * every list and as extensions, an unlimited lifetime. Argument: the suite.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "base/hex.h"
#include "mls/include/sotto/mls.h"

int main(int argc, char **argv)
{
	static const uint16_t grease[] = {0x0a0a, 0x5a5a, 0xeaea};
	const struct mls_extension extensions[] = {{0x1a1a, BYTES_TEXT("anything")}};
	struct mls_config config = {
		.allocator = sotto_allocator_malloc(),
		.random = sotto_random_kernel(),
		.limits = *mls_limits_default(),
	};
	struct mls_key_package_secrets secrets;
	struct mls_buffer message = {0};
	struct mls_identity identity;
	struct mls_leaf_options leaf = {
		.identity = &identity,
		.credential = {MLS_CREDENTIAL_BASIC, BYTES_TEXT("grease")},
		.extension_types = grease,
		.extension_type_count = 3,
		.proposal_types = grease,
		.proposal_type_count = 3,
		.credential_types = grease,
		.credential_type_count = 3,
		.suites = grease,
		.suite_count = 3,
		.extensions = extensions,
		.extension_count = 1,
		.lifetime = {0, UINT64_MAX},
	};
	uint16_t suite = argc == 2 ? (uint16_t)strtoul(argv[1], NULL, 10) : 0;
	char *text;

	if (mls_identity_generate(&config, suite, &identity) != SOTTO_OK ||
	    mls_key_package_create(&config, &leaf, extensions, 1, &message, &secrets) != SOTTO_OK)
		return 1;
	text = malloc(2 * message.len + 1);
	if (text == NULL)
		return 1;
	hex_encode(mls_buffer_bytes(&message), text);
	puts(text);
	free(text);
	mls_buffer_release(&message);
	sotto_wipe(&secrets, sizeof(secrets));
	sotto_wipe(&identity, sizeof(identity));
	return 0;
}
