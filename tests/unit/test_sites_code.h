/* SPDX-License-Identifier: GPL-2.0-only */
/* Machine code of some functions of Debian's kernels, and where their calls lead. */
#ifndef LOCKVANE_TEST_SITES_CODE_H
#define LOCKVANE_TEST_SITES_CODE_H

#include <stddef.h>
#include <stdint.h>

struct excerpt {
	const char *name, *symbols; /* as in /proc/kallsyms */
	uint64_t addr;
	size_t size;
	const char *code; /* bytes in hexadecimal */
};

/* 6.12 */
static const struct excerpt find_port_by_vq = {
	.name = "find_port_by_vq",
	.symbols = "ffffffff81090af0 T __fentry__\n"
		   "ffffffff8172b310 T refcount_warn_saturate\n"
		   "ffffffff818fda00 T find_port_by_vq\n"
		   "ffffffff818fdaa0 T after_find_port_by_vq\n"
		   "ffffffff81ca1db0 T _raw_spin_lock_irqsave\n"
		   "ffffffff81ca1e70 T _raw_spin_unlock_irqrestore\n"
		   "ffffffff81ca3c70 T __x86_return_thunk\n",
	.addr = 0xffffffff818fda00,
	.size = 160,
	.code = "e8eb3079ff41564c8d7760415541544989fc4c89f7554889f553e891433a00498b5c2450498d7c24"
		"504989c54839df7510eb4e48396b30740e488b1b4839fb744048396b2875ec488dbb90000000ba01"
		"000000f00fc1939000000085d274328d420109d0781f4c89ee4c89f7e8ff433a004889d85b5d415c"
		"415d415ee9ef613a0031dbebe1be01000000e881d8e2ffebd5be02000000e875d8e2ffebc90f1f00",
};

/* 6.12 */
static const struct excerpt io_poll_remove_all_table = {
	.name = "io_poll_remove_all_table",
	.symbols = "ffffffff81090af0 T __fentry__\n"
		   "ffffffff816fd3f0 T io_match_task_safe\n"
		   "ffffffff8170d490 T io_poll_get_ownership_slowpath\n"
		   "ffffffff8170d740 T __io_poll_execute\n"
		   "ffffffff8170d8a0 T io_poll_remove_all_table\n"
		   "ffffffff8170da00 T after_io_poll_remove_all_table\n"
		   "ffffffff81ca24c0 T _raw_spin_lock\n"
		   "ffffffff81ca2580 T _raw_spin_unlock\n"
		   "ffffffff81ca3c70 T __x86_return_thunk\n",
	.addr = 0xffffffff8170d8a0,
	.size = 352,
	.code = "e84b3298ff4157b801000000415641554531ed4154554889fd530fb6da4883ec108b4e0848897424"
		"08d3e0c64424030089442404488b4424084d63e549c1e4064c03204c89e7e8d54b5900498b7c2408"
		"4885ff0f84a50000004881efa00000004989ff0f849500000089da4889ee4c89ff4d8bb7a0000000"
		"e8d3fafeff89c184c07466498b87a80000004885c07429498b97a00000004889104885d274044889"
		"420849c787a00000000000000049c787a800000000000000f041818fc000000000000080418b87c0"
		"00000083f87f775db801000000f0410fc187c0000000a9ffffff3f745d884c24034d85f674104981"
		"eea00000004d89f70f856bffffff4c89e74183c501e8d64b590044396c24040f851fffffff0fb644"
		"24034883c4105b5d415c415d415e415fe9a36259004c89ff884c2403e8b7faffff0fb64c240384c0"
		"74a331d231f64c89ff884c2403e84efdffff0fb64c2403eb8c0f1f8000000000",
};

/* 6.12 */
static const struct excerpt posix_timer_fn = {
	.name = "posix_timer_fn",
	.symbols = "ffffffff81090af0 T __fentry__\n"
		   "ffffffff810d9f20 T send_sigqueue\n"
		   "ffffffff811ab450 T hrtimer_forward\n"
		   "ffffffff811b7920 T posix_timer_fn\n"
		   "ffffffff811b79f0 T after_posix_timer_fn\n"
		   "ffffffff81ca1db0 T _raw_spin_lock_irqsave\n"
		   "ffffffff81ca1e70 T _raw_spin_unlock_irqrestore\n"
		   "ffffffff81ca3020 T __x86_indirect_thunk_array\n"
		   "ffffffff81ca3c70 T __x86_return_thunk\n",
	.addr = 0xffffffff811b7920,
	.size = 208,
	.code = "f30f1efae8c791edff415541544c8d67a855534889fb4c89e7e872a4ae00c743c0000000004889c5"
		"31c048837be00074098b43d883c0018943d8488b53f889423831d2488b73f0f643dc04488b7bf80f"
		"94c24531ede8a625f2ff85c07e4a48837be0007443488b433041bd01000000488b4030e888b6ae00"
		"488b53e04889df4889c6488d8000093d004881fa00093d00480f4cf0e8973affff8343d801480143"
		"c8c743c0010000004889ee4c89e7e89da4ae004489e85b5d415c415de98fc2ae0066662e0f1f8400"
		"000000000f1f4000",
};

/* 6.12 */
static const struct excerpt tmigr_update_events = {
	.name = "tmigr_update_events",
	.symbols = "ffffffff81090af0 T __fentry__\n"
		   "ffffffff811c5370 T tmigr_update_events\n"
		   "ffffffff811c5670 T after_tmigr_update_events\n"
		   "ffffffff81c80150 T timerqueue_add\n"
		   "ffffffff81c80240 T timerqueue_del\n"
		   "ffffffff81ca24c0 T _raw_spin_lock\n"
		   "ffffffff81ca2580 T _raw_spin_unlock\n"
		   "ffffffff81ca3c70 T __x86_return_thunk\n"
		   "ffffffff81ca42f0 T __SCT__preempt_schedule_notrace\n"
		   "ffffffff81ca4558 T __SCT__tp_func_tmigr_update_events\n",
	.addr = 0xffffffff811c5370,
	.size = 768,
	.code = "e87bb7ecff41574156415541544989d4554889fd534889f34883ec20440fb67a194885f60f84e100"
		"00004889f7e81ed1ad004889efe816d1ad008b43508b4d5089442408894c240484c0742c4889ef41"
		"bd01000000e8b6d1ad004889dfe8aed1ad004883c4204489e85b5d415c415d415e415fe988e8ad00"
		"48b8ffffffffffffff7f4c8d6b4048894338eb1d807a24000f84300200004889d64c89efe82faeab"
		"0084c00f842a020000488b53484885d275da4c8b733848b8ffffffffffffff7f488d73104939c60f"
		"944334483b360f8588000000807e24000f84c7000000488b45084584ff0f84d70000008b4c240484"
		"c90f84ae0100004885c00f84de01000041bd01000000e9e2000000488b7210807e240175164584ff"
		"751148837f080041bd010000000f8537ffffff4889ef48897424084d8b3424e814d0ad008b455048"
		"8b742408c744240800000000894424044889f2483b360f8478ffffff4c3976187506807e24007475"
		"488d7d4048895424184889742410e855adab00488b742410488b54241884c00f8547ffffff48b8ff"
		"ffffffffffff7f48894538807e24000f8539ffffff4c8976188b4220488d7d40894620e828acab00"
		"84c074274c897538eb214885c00f8535ffffff8b44240480fcff0f8528ffffffe9850000008b4220"
		"89462048837d0800746a4531ed66904889efe819d0ad004885db0f8462feffffe955feffff658b05"
		"90fae67e480fa3057c34ca0173d965ff057bfae67e488b0594f6c6014885c0741b488b7808448b44"
		"24044d89f14889ea8b4c24084889dee8a4efad0065ff0d4dfae67e75a2e82eedad00eb9b8b442404"
		"80fcff758d4584ff755948b8ffffffffffffff7f4c8d6d4048894538eb12807e2400746d4c89efe8"
		"4cacab0084c07409488b75484885f675e548b8ffffffffffffff7f4989442408e95bfeffff4885c0"
		"0f853cffffff8b44240480fcff0f852fffffff41bd01000000e929ffffff4c8b72184c897338e9e3"
		"fdffff4c8b733831d2e9d8fdffff80fdff0f8519feffffebd2488b461848894538488b4618eba466"
		"0f1f840000000000",
};

/* 6.12 */
static const struct excerpt invalidate_inodes = {
	.name = "invalidate_inodes",
	.symbols = "ffffffff81090af0 T __fentry__\n"
		   "ffffffff81372a20 T list_lru_del_obj\n"
		   "ffffffff8146ec90 T dispose_list\n"
		   "ffffffff81470190 T invalidate_inodes\n"
		   "ffffffff81470340 T after_invalidate_inodes\n"
		   "ffffffff8173b660 T __list_add_valid_or_report\n"
		   "ffffffff81c94530 T __stack_chk_fail\n"
		   "ffffffff81ca24c0 T _raw_spin_lock\n"
		   "ffffffff81ca2580 T _raw_spin_unlock\n"
		   "ffffffff81ca3c70 T __x86_return_thunk\n"
		   "ffffffff81ca42f8 T __SCT__cond_resched\n",
	.addr = 0xffffffff81470190,
	.size = 432,
	.code = "f30f1efae85709c2ff4157488d8f40050000415641554c8daf48050000415455534883ec28654c8b"
		"35434ebc7e48897c240865488b042528000000488944242031c0488d44241048890c244889442410"
		"4889442418488b3c24e8d2228300488b442408488b8048050000488b084c8db8f0feffff488d99f0"
		"feffff4939c50f859b000000e9c90000000c804d8da70001000041898790000000498b47284c89e6"
		"488db8b0040000e8e427f0ff84c074086548ff0dd81ebc7e4889efe830238300488b6c24104c89e7"
		"488d7424104889eae8fbb32c0084c0741c488d4424104c8965084c896424104989af000100004989"
		"8708010000498b06a8080f8588000000488b8310010000488d93100100004989df482d1001000049"
		"39d574364889c3498daf800000004889efe802228300418b8790000000a8c1750f418b9750010000"
		"85d20f8441ffffff4889efe8a0228300ebae488b3c24e895228300488d7c2410e89be9ffff488b44"
		"242065482b04252800000075304883c4285b5d415c415d415e415fe958398300488b3c24e85f2283"
		"00e8d23f8300488d7c2410e860e9ffffe9b0feffffe8f6418200660f1f440000",
};

/* 6.12 */
static const struct excerpt drop_pagecache_sb = {
	.name = "drop_pagecache_sb",
	.symbols = "ffffffff81090af0 T __fentry__\n"
		   "ffffffff8133de80 T invalidate_mapping_pages\n"
		   "ffffffff8146eed0 T iput\n"
		   "ffffffff814e5290 T drop_pagecache_sb\n"
		   "ffffffff814e5390 T after_drop_pagecache_sb\n"
		   "ffffffff81ca24c0 T _raw_spin_lock\n"
		   "ffffffff81ca2580 T _raw_spin_unlock\n"
		   "ffffffff81ca42f8 T __SCT__cond_resched\n",
	.addr = 0xffffffff814e5290,
	.size = 256,
	.code = "f30f1efae857b8baff41574156415541544c8da740050000554889fd4c89e7534881c548050000e8"
		"04d27b00488b45004839c50f849c000000654c8b352ffdb47e488d98f0feffff4531edeb54f0ff83"
		"500100004c89ffe894d27b004c89e7e88cd27b00488b7b3048c7c2ffffffff31f6e87a8be5ff4c89"
		"ef4989dde8bf9bf8ffe8e2ef7b004c89e7e8a2d17b00488b8310010000488d98f0feffff4839c574"
		"374c8dbb800000004c89ffe880d17b00f68390000000c17512488b433048837810007589498b06a8"
		"0875824c89ffe81dd27b00ebb94531ed4c89e7e810d27b004c89ef5b5d415c415d415e415fe94e9b"
		"f8ff66662e0f1f8400000000000f1f00",
};

#endif
