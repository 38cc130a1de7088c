"""For scripts that train: the process dies, as if the machine were switched off, at the end of a step."""

#: Defines `die_at(step)`, to be called before the training begins.
SOURCE = """
import os, signal
import entp.train.sft as sft

def die_at(step):
    make_clock = sft._clock
    def clock_that_kills(advance):
        clock = make_clock(advance)
        end = clock.on_step_end
        def on_step_end(args, state, control, **kwargs):
            end(args, state, control, **kwargs)
            if state.global_step == step:
                os.kill(os.getpid(), signal.SIGKILL)
        clock.on_step_end = on_step_end
        return clock
    sft._clock = clock_that_kills
"""
