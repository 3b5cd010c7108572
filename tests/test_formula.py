"""The formula language: what it accepts, what it means, and how it refuses everything else."""

from __future__ import annotations

import pytest

from hemresearch.errors import DataError, FormulaError
from hemresearch.formula import parse_formula

KNOWN = ["age", "sex", "group", "wbc", "Ålder vid diagnos", "kön", "a:b", "class", "x.y"]


def labels(formula, known=KNOWN):
    return [":".join(f.label for f in term) for term in parse_formula(formula, known, argument="covariates")]


@pytest.mark.parametrize(
    ("formula", "terms"),
    [
        ("age", ["age"]),
        ("age + sex + age", ["age", "sex"]),
        (" age+sex ", ["age", "sex"]),
        ("kön + age", ["kön", "age"]),
        ("1", []),
        ("1 + age", ["age"]),
        ("age:sex", ["age:sex"]),
        ("age:sex + sex:age", ["age:sex"]),
        ("age*sex", ["age", "sex", "age:sex"]),
        ("age*sex*group", ["age", "sex", "group", "age:sex", "age:group", "sex:group", "age:sex:group"]),
        ("age:sex + group", ["group", "age:sex"]),
        ("(age + sex + group)**2", ["age", "sex", "group", "age:sex", "age:group", "sex:group"]),
        ("(age + sex)^2", ["age", "sex", "age:sex"]),
        ("(age + wbc):sex", ["age:sex", "wbc:sex"]),
        ("rcs(wbc,df = 3)", ["rcs(wbc, df=3)"]),
        ("rcs(wbc, 3) + rcs(wbc, df=3)", ["rcs(wbc, df=3)"]),
        ("rcs(log(wbc), 4):sex", ["rcs(log(wbc), df=4):sex"]),
        ("rcs(wbc, knots=[1, 5.5, 20])", ["rcs(wbc, knots=[1, 5.5, 20])"]),
        ("ns(age, knots=(50,), boundary=[20, 90])", ["ns(age, knots=[50], boundary=[20, 90])"]),
        ("C(group, ref='B') + age", ["C(group)", "age"]),
        ("log(age)+I(age/10)+ I( -age**2 * 3 )", ["log(age)", "I(age / 10)", "I(-age ** 2 * 3)"]),
        ("`Ålder vid diagnos` + `a:b`:sex", ["Ålder vid diagnos", "a:b:sex"]),
        ("rcs(`Ålder vid diagnos`, df=3)", ["rcs(Ålder vid diagnos, df=3)"]),
        ("log(`class`) + class", ["log(class)", "class"]),
        ("x.y", ["x.y"]),
    ],
)
def test_a_formula_means_these_terms_main_effects_first(formula, terms):
    assert labels(formula) == terms


def test_a_letter_composed_of_two_characters_finds_its_column():
    decomposed = "A\u030alder"
    for formula in ("Ålder", "log(Ålder)", "`Ålder`"):
        (term,) = parse_formula(formula, [decomposed], argument="covariates")
        assert term[0].columns == (decomposed,)


@pytest.mark.parametrize(
    ("formula", "parts"),
    [
        ("time ~ age", ["`~`", "character 6", "right-hand side only", "covariates='age'"]),
        ("~ age + sex", ["`~`", "character 1", "covariates='age + sex'"]),
        ("~", ["`~`", "character 1", "list of columns"]),
        (
            "agee + sex",
            ["'agee'", "no column of the data", "character 1 of", "did you mean 'age'", "'age + sex'"],
        ),
        ("sex + rcs(wcb, df=3)", ["'wcb'", "character 11", "did you mean 'wbc'", "rcs(wbc, df=3)"]),
        ("Alder + age", ["'Alder'", "character 1", "columns of the data"]),
        ("age + `Ålder vid diagnoz`", ["character 7", "'Ålder vid diagnos'", "age + `Ålder vid diagnos`"]),
        ("zzzzzz", ["'zzzzzz'", "there are 'age', 'sex'", "list of columns"]),
        ("age + sin(wbc)", ["calls 'sin'", "character 7", "log, log2, log10, sqrt", ".alias('age_cut')"]),
        ("bs(age, df=3)", ["calls 'bs'", "rcs, ns"]),
        ("scale(age)", ["calls 'scale'"]),
        ("age +", ["character 5", "terms joined by + : *", "list of columns"]),
        ("age sex", ["character 1", "terms joined by + : *"]),
        ("age + * sex", ["'+*'", "character 5"]),
        ("(age + sex", ["character 1", "brackets in pairs"]),
        ("age + sex)", ["character 10", "brackets in pairs"]),
        ("rcs(age, df=3", ["does not close", "character 1"]),
        ("log(age", ["does not close"]),
        ("`age", ["does not close"]),
        ("", ["names no term", "character 1", "'1' for none"]),
        ("()", ["names no term"]),
        ("age - sex", ["'-'", "character 5", "what is not wanted is left out", "I(age / 10)"]),
        ("age - 1", ["'-'", "character 5"]),
        ("0 + age", ["value 0", "character 1", "its own intercept"]),
        ("age / 10", ["'/'", "character 5", "I(age / 10)"]),
        ("age * 2", ["value 2", "character 7", "inside I()", "I(age / 10)"]),
        ("age:1", ["multiplies a term by 1", "character 5", "1 only by itself"]),
        ("age**2", ["raises to a power", "character 4", "I(age**2)"]),
        ("(age + sex)**sex", ["raises to a power", "character 12"]),
        ("(age + sex)**0", ["raises to a power"]),
        ("age | sex", ["'|'", "character 5"]),
        ("age %in% sex", ["'in'", "character 5"]),
        (". + age", ["character 1"]),
        ("'age'", ["value 'age'", "character 1"]),
        ("{age + sex}", ["'{'", "character 1", "round brackets"]),
        ("[age + sex]", ["'['", "character 1"]),
        ("I(age > 50)", ["'age > 50'", "columns, numbers, + - * / **"]),
        ("I(age.mean())", ["calls 'age.mean'"]),
        ("I(age[0])", ["'age[0]'"]),
        ("I(`Ålder vid diagnos` > 5)", ["'`Ålder vid diagnos` > 5'"]),
        ("I('a')", ["\"'a'\""]),
        ("I(True)", ["'True'"]),
        ("I(2)", ["call without a column", "at least one column"]),
        ("log(age, 2)", ["log() other than one argument", "log(age)"]),
        ("log()", ["log() other than one argument"]),
        ("log(rcs(age, df=3))", ["'rcs(age, df=3)'"]),
        ("rcs(age df=3)", ["cannot be read", "backticks", "character 1"]),
        ("rcs(age)", ["rcs() other than one of df and knots", "rcs(age, df=3)"]),
        ("ns(age, df=3, knots=[50])", ["ns() other than one of df and knots"]),
        ("rcs()", ["rcs() no column", "rcs(age, ...)"]),
        ("rcs(age, df=2.5)", ["df=2.5", "a whole number: df=3"]),
        ("rcs(age, df=sex)", ["df=sex", "a whole number"]),
        ("rcs(age, df=True)", ["df=True", "a whole number"]),
        ("rcs(age, knots='a')", ["knots='a'", "numbers: knots=[1, 5, 20]"]),
        ("rcs(age, knots=[])", ["knots=[]", "numbers: knots=[1, 5, 20]"]),
        ("rcs(age, boundary=[1, 2], df=3)", ["the option 'boundary'", "rcs(column, df=..., knots=...)"]),
        ("rcs(age, 3, df=4)", ["rcs() 'df' twice"]),
        ("rcs(age, **sex)", ["the option '**'"]),
        ("C(group, ref=[1])", ["ref=[1]", "a level: ref='B'"]),
        ("C(group, levels=['A'])", ["the option 'levels'", "C(column, ref=...)"]),
        ("C(log(age))", ["C() an expression", "a column inside C()"]),
    ],
)
def test_a_refusal_says_where_what_was_expected_and_what_works(formula, parts):
    with pytest.raises(FormulaError) as refusal:
        parse_formula(formula, KNOWN, argument="covariates")
    message = str(refusal.value)
    for part in ["covariates: ", "Expected ", "Try ", *parts]:
        assert part in message
    assert refusal.value.argument == "covariates"
    assert isinstance(refusal.value, DataError)


def test_an_unknown_column_is_named_as_the_column_at_fault():
    with pytest.raises(FormulaError) as refusal:
        parse_formula("age + sexx", KNOWN, argument="adjust")
    assert refusal.value.column == "sexx"
    assert "Try adjust='age + sex'." in str(refusal.value)


def test_a_column_name_that_is_no_formula_is_pointed_to_the_list():
    with pytest.raises(FormulaError, match=r"Try covariates=\['Ålder vid diagnos'\]"):
        parse_formula("Ålder vid diagnos", KNOWN, argument="covariates")


@pytest.mark.parametrize(
    "attack",
    [
        "__import__('os').system('true')",
        "I(__import__('os').system('true'))",
        "I((lambda: age)())",
        "I([x for x in (1, 2)])",
        "open('x')",
        "I(age.__class__)",
        "{__import__('os')}",
        "rcs(age, df=__import__('os').getpid())",
        "C(group, ref=open('x'))",
        "I(f'{age}')",
        "I(age if age else sex)",
        "I(age := 3)",
        "eval('1')",
        "np.log(age)",
        "pl.col('age')",
    ],
)
def test_no_python_runs_from_a_formula(attack):
    with pytest.raises(FormulaError):
        parse_formula(attack, KNOWN, argument="covariates")


@pytest.mark.parametrize(
    ("formula", "instead"),
    [
        ("rsc(age, df=3) + sex", "covariates='rcs(age, df=3) + sex'"),
        ("bs(wbc, df=3)", "covariates='ns(wbc, df=3)'"),
        ("age + factor(sex)", "covariates='age + C(sex)'"),
        ("np.log(age)", "covariates='log(age)'"),
        ("age + strata(group) + sex", "strata='group' and covariates='age + sex'"),
        ("age + cluster(`x.y`)", "cluster='x.y' and covariates='age'"),
        ("strata(group)", "strata='group' and covariates='1'"),
        ("clip(age, 1, 2)", "a list with an expression"),
        ("age + age^2", "covariates='age + I(age**2)'"),
        ("age**3 + sex", "covariates='I(age**3) + sex'"),
        ("hb g/L + age", "covariates='`hb g/L` + age', the name in backticks"),
        ("age + Ålder vid diagnos", "covariates='age + `Ålder vid diagnos`', the name in backticks"),
    ],
)
def test_what_is_advised_instead_keeps_the_rest_of_the_formula(formula, instead):
    known = [*KNOWN, "hb g/L"]
    with pytest.raises(FormulaError) as caught:
        parse_formula(formula, known, argument="covariates")
    assert caught.value.remedy.startswith(instead)
    if "covariates='" in instead:
        advised = instead.split("covariates='")[1].split("'")[0]
        parse_formula(advised, known, argument="covariates")
