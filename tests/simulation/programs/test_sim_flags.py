import pytest

from exporter.simulation.programs import gateway, orchestrator
from exporter.simulation.programs.sim_flags import SimFlag, SimFlagError, take, usage

FLAGS = (
    SimFlag("simSpeed", "real", "Speed."),
    SimFlag("simDieAfterJobs", "whole", "Deaths."),
    SimFlag("simDieAtStart", "switch", "Death."),
    SimFlag("simVersion", "text", "Version."),
)


def test_only_the_simulations_flags_are_taken_out() -> None:
    argv = ["-gateway", "-simSpeed", "5", "-orchAddr", "a,b", "--simDieAtStart", "-v=6"]
    values, rest = take(argv, {}, FLAGS)
    assert values == {"simSpeed": 5.0, "simDieAtStart": True}
    assert rest == ["-gateway", "-orchAddr", "a,b", "-v=6"]


def test_a_switch_takes_no_word_of_its_own() -> None:
    values, rest = take(["-simDieAtStart", "false", "-simVersion=-1"], {}, FLAGS)
    assert values == {"simDieAtStart": True, "simVersion": "-1"}
    assert rest == ["false"]


def test_the_variables_are_named_after_the_flag() -> None:
    assert FLAGS[1].variables == ("LP_SIMDIEAFTERJOBS", "SIMULATION_DIE_AFTER_JOBS")
    assert SimFlag("serviceAddr", "text", "").variables == ("LP_SERVICEADDR",)


def test_an_empty_variable_sets_nothing_and_a_set_one_gives_way_to_the_command_line() -> None:
    environ = {"SIMULATION_SPEED": "", "SIMULATION_DIE_AFTER_JOBS": "3"}
    assert take([], environ, FLAGS)[0] == {"simDieAfterJobs": 3}
    assert take(["-simDieAfterJobs", "4"], environ, FLAGS)[0] == {"simDieAfterJobs": 4}


@pytest.mark.parametrize(
    ("argv", "environ", "complaint"),
    [
        (["-simSpeed"], {}, "-simSpeed: expected a number above 0, found ''"),
        (["-simSpeed=nan"], {}, "-simSpeed: expected a number above 0, found 'nan'"),
        (["-simSpeed=inf"], {}, "-simSpeed: expected a number above 0, found 'inf'"),
        (["-simDieAtStart=yes"], {}, "-simDieAtStart: expected true or false, found 'yes'"),
        (["-simVersion="], {}, "-simVersion: expected a text, found ''"),
        ([], {"LP_SIMSPEED": "fast"}, "LP_SIMSPEED: expected a number above 0, found 'fast'"),
    ],
)
def test_a_wrong_value_is_named_with_what_is_expected(
    argv: list[str], environ: dict[str, str], complaint: str
) -> None:
    with pytest.raises(SimFlagError) as caught:
        take(argv, environ, FLAGS)
    assert str(caught.value) == complaint


def test_flags_are_listed_as_go_lists_them() -> None:
    assert usage(FLAGS[:2]) == "  -simSpeed float\n  -simDieAfterJobs int\n"


@pytest.mark.parametrize("program", [gateway, orchestrator])
def test_every_flag_of_a_program_has_a_name_of_its_own_and_a_sentence(
    program: object,
) -> None:
    flags: tuple[SimFlag, ...] = program.FLAGS  # type: ignore[attr-defined] # two modules alike
    assert len({flag.name for flag in flags}) == len(flags)
    assert all(flag.name.startswith("sim") for flag in flags)
    assert all(flag.help and not flag.help[0].islower() for flag in flags)
