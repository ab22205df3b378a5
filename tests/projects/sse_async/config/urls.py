from django.contrib import admin
from django.contrib.staticfiles.urls import staticfiles_urlpatterns
from django.urls import include, path

urlpatterns = [
    path('admin/', admin.site.urls),
    path('', include('next.urls')),
]

# uvicorn serves no static files by itself; this does nothing unless DEBUG is on.
urlpatterns += staticfiles_urlpatterns()
