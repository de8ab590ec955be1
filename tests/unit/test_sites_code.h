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

#endif
