/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may do what. The sandbox of a process is inherited by what it starts and only ever gets
 * narrower, so the two that start others allow what the others do before they enter their own;
 * tests/os/test_sandbox.c holds the other side of this table: what each must be refused.
 */
#include "os/profiles.h"

const struct profile os_profiles[OS_PROFILE_COUNT] = {
	[OS_PROFILE_LAUNCHER] =
		{
			.name = "launcher",
			.files = FILES_PROGRAMS,
			.groups = {&calls_common, &calls_files, &calls_accept, &calls_udp,
				   &calls_threads, &calls_programs, &calls_setup},
		},
	[OS_PROFILE_LINK] =
		{
			.name = "link",
			.files = FILES_NONE,
			.write_xor_execute = true,
			.groups = {&calls_common, &calls_data, &calls_udp},
		},
	[OS_PROFILE_AGENT] =
		{
			.name = "agent",
			.files = FILES_DIRECTORY,
			.write_xor_execute = true,
			.groups = {&calls_common, &calls_data, &calls_files, &calls_accept},
		},
	[OS_PROFILE_VOICE] =
		{
			.name = "voice",
			.files = FILES_NONE,
			.write_xor_execute = true,
			.groups = {&calls_common, &calls_data, &calls_threads, &calls_sound},
		},
	[OS_PROFILE_RINGER] =
		{
			.name = "ringer",
			.files = FILES_NONE,
			.write_xor_execute = true,
			.groups = {&calls_common, &calls_data, &calls_threads, &calls_sound},
		},
	[OS_PROFILE_RELAY_NET] =
		{
			.name = "relay-net",
			.files = FILES_NONE,
			.write_xor_execute = true,
			.groups = {&calls_common, &calls_data},
		},
	[OS_PROFILE_RELAY_STORE] =
		{
			.name = "relay-store",
			.files = FILES_DIRECTORY,
			.write_xor_execute = true,
			.groups = {&calls_common, &calls_data, &calls_files},
		},
	[OS_PROFILE_RELAY_PARENT] =
		{
			.name = "relay-parent",
			.files = FILES_PROGRAMS,
			.groups = {&calls_common, &calls_files, &calls_accept, &calls_udp,
				   &calls_threads, &calls_programs, &calls_setup},
		},
	[OS_PROFILE_COMMAND] =
		{
			.name = "command",
			.files = FILES_NONE,
			.write_xor_execute = true,
			.groups = {&calls_common, &calls_data, &calls_terminal},
		},
	[OS_PROFILE_CARDS] =
		{
			.name = "cards",
			.files = FILES_READ,
			.write_xor_execute = true,
			.groups = {&calls_common, &calls_data, &calls_threads, &calls_reading},
		},
};

const char *os_profile_name(enum os_profile profile)
{
	return os_profiles[profile].name;
}
