from . import cohort as cohort
from . import competing as competing
from . import data as data
from . import design as design
from . import epidemiology as epidemiology
from . import errors as errors
from . import hematology as hematology
from . import multistate as multistate
from . import plots as plots
from . import prediction as prediction
from . import recurrent as recurrent
from . import regression as regression
from . import relative as relative
from . import report as report
from . import results as results
from . import survival as survival
from . import times as times
from . import translational as translational

__version__: str
